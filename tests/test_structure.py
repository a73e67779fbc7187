"""Imports point down, and heavy libraries stay where they belong."""

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "extended_memory"

BELOW: dict[str, set[str]] = {
    "version": set(),
    "counts": set(),
    "errors": set(),
    "domain": {"errors"},
    "flaws": {"domain", "errors"},
    "names": {"domain", "errors"},
    "output": {"domain", "errors"},
    "placeholders": set(),
    "paths": {"domain", "errors", "placeholders"},
    "settings": {"domain", "errors", "names", "paths", "placeholders"},
    "logs": set(),
    "stderr": set(),
    "shutdown": {"domain", "errors"},
    "custom_instructions": {"domain", "errors", "placeholders"},
    "search": {"domain", "errors", "search"},
    "storage.contract": {"domain", "errors", "flaws"},
    "storage.fault_log": {"domain", "errors"},
    "storage.search": {"domain", "errors", "search"},
    "storage.sqlite": {
        "counts",
        "domain",
        "errors",
        "flaws",
        "names",
        "output",
        "version",
        "search",
        "storage.fault_log",
        "storage.contract",
        "storage.search",
        "storage.sqlite",
    },
    "storage.redis": {
        "domain",
        "errors",
        "flaws",
        "names",
        "settings",
        "version",
        "search",
        "storage.fault_log",
        "storage.contract",
        "storage.redis",
        "storage.search",
    },
    "storage.empty": {"domain", "errors", "flaws", "storage.contract"},
    "storage.backends": {
        "domain",
        "errors",
        "settings",
        "storage.contract",
        "storage.empty",
        "storage.redis",
        "storage.sqlite",
    },
    "access": {"domain", "errors", "shutdown", "storage.contract"},
    "service": {"access", "custom_instructions", "domain", "errors", "storage.contract"},
    "store_service": {"access", "domain", "errors", "flaws", "storage.contract"},
    "transfer": {
        "domain",
        "errors",
        "names",
        "output",
        "store_service",
        "transfer",
        "version",
    },
    "clients": {"clients", "domain", "errors", "output"},
    "protocol.nesting": set(),
    "protocol.fastmcp_internals": set(),
    "protocol.transport": {"names", "protocol.fastmcp_internals", "protocol.nesting", "shutdown"},
    "protocol.upkeep": {"domain", "errors", "store_service"},
    "protocol.arguments": {"domain", "errors", "names", "protocol.nesting", "protocol.transport"},
    "protocol.refusals": {"protocol.transport"},
    "protocol.replies": {"counts", "domain", "errors", "search"},
    "protocol.answers": {"domain", "errors", "protocol.replies"},
    "protocol.app": {
        "access",
        "domain",
        "errors",
        "protocol.answers",
        "protocol.fastmcp_internals",
        "protocol.refusals",
        "protocol.replies",
        "protocol.transport",
        "protocol.upkeep",
        "service",
        "settings",
        "storage.backends",
        "storage.contract",
        "store_service",
    },
    "server": {
        "domain",
        "errors",
        "protocol.answers",
        "protocol.app",
        "protocol.arguments",
        "protocol.replies",
        "service",
        "version",
    },
    "protocol.startup": {"protocol.app", "server"},
    "doctor": {"clients", "doctor", "domain", "errors", "settings", "storage.backends", "version"},
    "cli": {
        "access",
        "cli",
        "clients",
        "counts",
        "doctor",
        "domain",
        "errors",
        "flaws",
        "logs",
        "names",
        "output",
        "paths",
        "protocol.answers",
        "protocol.arguments",
        "protocol.refusals",
        "protocol.replies",
        "search",
        "service",
        "settings",
        "storage.backends",
        "storage.contract",
        "storage.redis",
        "store_service",
        "transfer",
        "version",
    },
    "__main__": {
        "cli",
        "domain",
        "errors",
        "logs",
        "protocol.startup",
        "protocol.transport",
        "settings",
        "stderr",
    },
}
"""What each room of the package may import; a new room has to say it here."""

LIBRARIES = {
    "fastmcp": {"protocol.app", "protocol.fastmcp_internals", "server"},
    "mcp": {"protocol.fastmcp_internals", "protocol.transport"},
    "mcp_types": {"protocol.app", "protocol.transport"},
    "pydantic": {
        "cli",
        "protocol.answers",
        "protocol.app",
        "protocol.arguments",
        "protocol.refusals",
        "protocol.transport",
        "transfer",
    },
    "pydantic_core": {"protocol.arguments", "protocol.transport", "transfer"},
    "sqlalchemy": {"storage.sqlite"},
    "sqlite3": {"storage.sqlite", "transfer"},  # a database of another product is read, no more
    "alembic": {"storage.sqlite"},
    "redis": {"storage.redis"},
    "cyclopts": {"cli"},
    "snowballstemmer": {"search"},
    "tomlkit": {"clients"},
    "rich": {"cli"},
    "markdown_it": {"cli"},
    "yaml": {"transfer"},
}
"""Which rooms may import a library."""

AT_FIRST_USE = {"alembic", "redis", "platformdirs", "snowballstemmer"}
"""What a start that does not need it must not import."""


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(
            path.read_text("utf-8")
        )
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__init__.py"  # a map: the test below says that there is no more in it
    }


def room(module: str) -> str:
    """Return the room a module is in: a package is one, but for those of several floors."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in {"protocol", "storage"} else parts[0]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        # "from extended_memory.protocol import replies" names a module of a package.
        parts = node.module.split(".")
        is_package = (PACKAGE.parent / Path(*parts) / "__init__.py").exists()
        return [f"{node.module}.{n.name}" for n in node.names] if is_package else [node.module]
    return []


@pytest.mark.parametrize("module", modules())
def test_imports_point_down(module: str) -> None:
    for node in ast.walk(modules()[module]):
        for name in imported(node):
            top, _, rest = name.partition(".")
            if top == "extended_memory":
                assert room(rest) in BELOW[room(module)], f"{module} imports {name}"
            else:
                assert room(module) in LIBRARIES.get(top, {room(module)}), f"{module}: {name}"


@pytest.mark.parametrize("module", modules())
def test_heavy_libraries_are_imported_where_they_are_needed(module: str) -> None:
    for node in modules()[module].body:
        for name in imported(node):
            assert name.partition(".")[0] not in AT_FIRST_USE, f"{module} imports {name} at its top"


def test_one_place_reads_the_environment() -> None:
    readers = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    # They hand it to Settings; one sets the libraries' own variables.
    assert readers == {"__main__", "cli.environment", "protocol.startup", "protocol.app"}


@pytest.mark.parametrize(
    "package", sorted(path.parent for path in PACKAGE.rglob("__init__.py")), ids=str
)
def test_a_package_has_a_map_of_what_is_in_it(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text("utf-8"))
    documented = ast.get_docstring(tree)
    assert documented is not None
    assert len(tree.body) == 1, "a map holds no code"
    rows = re.findall(r"^- ``(\w+)``  +\S", documented, re.MULTILINE)
    there = {path.stem for path in package.glob("*.py")}
    there |= {path.parent.name for path in package.glob("*/*.py")}
    assert sorted(rows) == sorted(there - {"__init__"})


def test_nothing_has_the_name_of_a_library() -> None:
    # The bundle starts extended_memory/__main__.py, so this folder comes first on the path.
    installed = {
        name.partition(".")[0] for name in packages_distributions() if name != PACKAGE.name
    }
    ours = {path.stem for path in PACKAGE.iterdir() if path.suffix in {"", ".py"}}
    assert not ours & (set(sys.stdlib_module_names) | installed) - {"__pycache__", "__main__"}


def test_nothing_swallows_every_error() -> None:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    [n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)]
                    if node.type
                    else [""]
                )
                reraises = isinstance(node.body[-1], ast.Raise)
                assert reraises or not {"", "Exception", "BaseException"} & set(names), module


def test_tests_share_nothing_but_what_lies_in_support() -> None:
    strangers = {
        str(path.relative_to(TESTS)): name
        for path in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in imported(node)
        if name.startswith("tests.") and re.search(r"\.(conftest|test_\w+)\b", name)
    }
    assert strangers == {}


def test_what_lies_in_support_is_no_fixture() -> None:
    # One that is imported works only until somebody tidies the import up: a conftest gives it.
    for path in (TESTS / "support").rglob("*.py"):
        assert "pytest.fixture" not in path.read_text("utf-8"), path
