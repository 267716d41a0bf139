"""The rules of the code itself: imports, packaging, public names, sizes of files, the README's map."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import toolgym
from toolgym.registry import SUITES, environments_table

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "transformers", "stable_baselines3", "safetensors", "gguf", "peft"}
CODE = sorted(path for folder in ("toolgym", "envs", "agents") for path in (ROOT / folder).rglob("*.py"))


def imports(path):
    """(module, level) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_import_rules(path):
    room = path.relative_to(ROOT).parts[0]
    for module, level in imports(path):
        if level:
            assert room != "toolgym", f"{path}: the core imports by absolute name"
            depth = len(path.relative_to(ROOT).parts) - (2 if room == "envs" else 1)
            assert level <= depth, f"{path}: .. stays inside one suite, or inside agents/"
            continue
        top = module.split(".")[0]
        assert top not in ("envs", "agents", "tests", "benchmarks"), f"{path} imports {module}"
        assert not module.startswith(("toolgym.envs", "toolgym.agents")), f"{path}: {module} is reached by gym.make"
        if room != "agents":
            assert top not in HEAVY, f"{path}: {module} belongs under agents/"


def test_every_folder_with_code_is_packaged():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.relative_to(ROOT).parts[:-1] for path in CODE}
    on_disk = {".".join(parts if parts[0] == "toolgym" else ("toolgym", *parts)) for parts in folders}
    assert set(tool["packages"]) == on_disk
    assert all((ROOT / folder).is_dir() for folder in tool["package-dir"].values())


def name_of(path):
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts if parts[0] == "toolgym" else ("toolgym", *parts))


MODULES = {name_of(path): path for path in CODE}


def statements(node):
    """Every node of a file that can run: the blocks for type checkers are left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from statements(child)


def needs(module):
    """The modules of ours that a module imports, also inside functions and by ``import_module("name")``."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in statements(ast.parse(path.read_text("utf-8"))):
        found = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # "from package import module" needs the module; "from module import name" needs the module as well
            found = [each if (each := f"{base}.{alias.name}") in MODULES else base for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            found = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
        yield from (each for each in found if each in MODULES and each != module)


def circles(graph):
    """The sets of nodes that reach one another (strongly connected components of more than one node)."""

    def reached(start):
        seen, waiting = set(), [start]
        while waiting:
            new = [each for each in graph[waiting.pop()] if each not in seen]
            seen.update(new)
            waiting += new
        return seen

    reach = {node: reached(node) for node in graph}
    return {frozenset(other for other in reach[node] if node in reach[other]) for node in graph if node in reach[node]}


def test_no_module_imports_itself_through_others():
    found = circles({module: set(needs(module)) for module in MODULES})
    assert not found, f"import circles: {[sorted(each) for each in found]}"


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {frozenset("abc")}
    assert "toolgym.agents.scripted" not in set(needs("toolgym.cli.resolve"))  # by name, when an agent is made
    assert "toolgym.agents.config" in set(needs("toolgym.cli.train"))


def run(source):
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_toolgym_is_light():
    loaded = run("import sys, toolgym; print(*sorted({m.split('.')[0] for m in sys.modules}))").split()
    assert not HEAVY & set(loaded)
    assert not {"requests", "rich", "docstring_parser", "matplotlib", "sympy"} & set(loaded)
    rooms = "('toolgym.envs', 'toolgym.agents')"
    assert run(f"import sys, toolgym; print([m for m in sys.modules if m.startswith({rooms})])") == "[]"


def test_a_bare_checkout_works_without_being_installed(tmp_path):
    source = "import sys; sys.path[:] = [p for p in sys.path if 'editable' not in p]\n"
    source += f"sys.path.insert(0, {str(ROOT)!r})\n"
    source += "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
    source += "import toolgym, toolgym.envs.bfcl, toolgym.agents; print(toolgym.envs.bfcl.__file__)"
    assert run(source) == str(ROOT / "envs" / "bfcl" / "__init__.py")


def needed(name, seen):
    """The packages that installing ``name`` without extras brings along."""
    for requirement in metadata.requires(name) or []:
        if "extra ==" in requirement:
            continue
        marker = requirement.partition(";")[2]
        if "sys_platform" in marker or "python_version" in marker or "platform_" in marker:
            continue
        other = re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower().replace("_", "-")
        if other not in seen:
            seen.add(other)
            needed(other, seen)
    return seen


def test_the_core_needs_at_most_fifteen_packages():
    assert len(needed("toolgym", set())) <= 15


def test_public_names():
    assert len(toolgym.__all__) <= 20
    assert toolgym.__all__ == sorted(toolgym.__all__)
    assert all(getattr(toolgym, name).__doc__ for name in toolgym.__all__)
    assert (Path(toolgym.__file__).parent / "py.typed").is_file()
    assert toolgym.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_readmes_name_every_folder_and_every_suite():
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.split("## Where things are", 1)[1].split("##", 1)[0]
    for folder in ("toolgym", "envs", "agents", "benchmarks", "tests"):
        assert f"{folder}/" in section
    for suite in SUITES:
        assert f"| `{suite}` |" in readme, f"the README's table of the environments lacks {suite}"
    assert environments_table() in (ROOT / "envs" / "README.md").read_text("utf-8")
    for room in ("toolgym", "envs", "agents"):
        page = (ROOT / room / "README.md").read_text("utf-8")
        inside = [p for p in (ROOT / room).iterdir() if p.is_dir() and (p / "__init__.py").exists()]
        assert not [p.name for p in inside if f"{p.name}/" not in page], f"{room}/README.md lacks a folder"


def test_source_files_stay_small():
    long = {str(path.relative_to(ROOT)): n for path in CODE if (n := len(path.read_text("utf-8").splitlines())) > 600}
    assert not long
