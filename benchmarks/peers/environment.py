"""A virtual environment per peer, so that their requirements cannot conflict."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def python_of(
    home: Path, requirements: Sequence[str], constraints: Path | None = None, alone: Sequence[str] = ()
) -> str:
    """The interpreter of the virtual environment in ``home``, which is created and filled on first use.

    ``alone``: packages that are installed without what they require, and whatever Python they ask for.
    """
    python = home / "bin" / "python"
    if not (home / ".ready").is_file():
        print(f"installing {', '.join(requirements)} into {home} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pinned = ["--constraint", str(constraints)] if constraints else []
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *pinned, *requirements], check=True)
        if alone:
            how = ["--quiet", "--no-deps", "--ignore-requires-python"]
            subprocess.run([str(python), "-m", "pip", "install", *how, *alone], check=True)
        (home / ".ready").touch()
    return str(python)
