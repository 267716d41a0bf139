"""``python -m toolgym``: the same as the ``toolgym`` command."""

from __future__ import annotations

import sys

from toolgym.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
