"""Whether two machines run the same code: digests of the source of modules."""

from __future__ import annotations

import socket
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

from toolgym.stored.run_files import RunError

OURS = ("toolgym", "toolgym.agents", "toolgym.envs")


def code_of(entry_point: str) -> dict[str, str]:
    """The package of a class that is not one of ours -> the digest of its source."""
    module = entry_point.partition(":")[0].partition(".")[0]
    if module == "__main__":
        raise RunError(f"{entry_point} is in the program itself: put it in a module, which actors can import")
    return {} if module == "toolgym" else {module: source_digest(module)}


def source_digest(module: str) -> str:
    """A digest of the source of a module; of a package, of all its modules. Raises ModuleNotFoundError."""
    spec = find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [(path.relative_to(folder), path) for folder in folders for path in folder.rglob("*.py")]
    if not folders and spec.origin is not None and Path(spec.origin).is_file():
        files = [(Path(module), Path(spec.origin))]
    found = blake2b(digest_size=16)
    for name, path in sorted(files):
        found.update(f"{name.as_posix()}\n".encode() + path.read_bytes())
    return found.hexdigest()


def check_sources(code: dict[str, str]) -> None:
    """Raises RunError if this machine has another source of a module, or none."""
    here = socket.gethostname()
    for module, digest in code.items():
        try:
            found = source_digest(module)
        except ModuleNotFoundError:
            raise RunError(
                f"{here} has no module {module!r}: install it on every machine of the cluster, or start the command in "
                "a folder that all machines share"
            ) from None
        if found != digest:
            raise RunError(f"{here} has another {module} than this process: install the same one on every machine")
