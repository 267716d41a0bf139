"""``python -m toolgym.cli``: the same as the command ``toolgym``."""

from __future__ import annotations

import sys

from toolgym.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
