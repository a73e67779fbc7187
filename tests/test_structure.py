"""Imports point down, and heavy libraries stay where they belong."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "extended_memory"

BELOW: dict[str, set[str]] = {
    "version": set(),
    "domain": set(),
    "names": {"domain"},
    "output": {"domain"},
    "placeholders": set(),
    "paths": {"domain", "placeholders"},
    "settings": {"domain", "names", "paths", "placeholders"},
    "logs": set(),
    "instructions": {"domain", "placeholders"},
    "arguments": {"domain", "names", "nesting", "stdio"},
    "refusals": {"stdio"},
    "rendering": {"domain", "search"},
    "answers": {"domain", "rendering"},
    "storage.contract": {"domain"},
    "search": {"domain", "search"},
    "storage.complaints": {"domain"},
    "storage.searching": {"domain", "search"},
    "storage.empty": {"domain", "storage.contract"},
    "storage": {
        "domain",
        "settings",
        "storage.contract",
        "storage.empty",
        "storage.redis",
        "storage.sql",
    },
    "storage.sql": {
        "domain",
        "names",
        "output",
        "version",
        "search",
        "storage.complaints",
        "storage.contract",
        "storage.searching",
        "storage.sql",
    },
    "storage.redis": {
        "domain",
        "names",
        "settings",
        "version",
        "search",
        "storage.complaints",
        "storage.contract",
        "storage.redis",
        "storage.searching",
    },
    "service": {"domain", "ending", "instructions", "storage.contract"},
    "ending": set(),
    "nesting": set(),
    "stderr": set(),
    "stdio": {"ending", "nesting"},
    "serving": {
        "answers",
        "domain",
        "refusals",
        "rendering",
        "service",
        "settings",
        "stdio",
        "storage",
        "storage.contract",
    },
    "server": {
        "answers",
        "arguments",
        "domain",
        "rendering",
        "service",
        "serving",
        "version",
    },
    "quick_import": {"server", "serving"},
    "clients": {"clients", "domain", "output"},
    "transfer": {"arguments", "domain", "names", "output", "stdio", "transfer", "version"},
    "doctor": {"clients", "doctor", "domain", "settings", "storage", "version"},
    "cli": {
        "answers",
        "arguments",
        "cli",
        "clients",
        "doctor",
        "domain",
        "logs",
        "names",
        "output",
        "paths",
        "refusals",
        "rendering",
        "search",
        "service",
        "settings",
        "storage",
        "storage.contract",
        "storage.redis",
        "transfer",
        "version",
    },
    "__main__": {"cli", "domain", "logs", "quick_import", "settings", "stderr", "stdio"},
}
"""What each room of the package may import; a new room has to say it here."""

LIBRARIES = {
    "fastmcp": {"server", "serving"},
    "mcp_types": {"serving", "stdio"},
    "pydantic": {"answers", "arguments", "cli", "refusals", "serving", "stdio", "transfer"},
    "pydantic_core": {"arguments", "stdio", "transfer"},
    "sqlalchemy": {"storage.sql"},
    "sqlite3": {"storage.sql", "transfer"},  # a database of another product is read, no more
    "alembic": {"storage.sql"},
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
        if path != PACKAGE / "__init__.py"
    }


def room(module: str) -> str:
    """Return the room a module is in: a backend is one room, everything else is its own."""
    parts = module.removesuffix(".__init__").split(".")
    return ".".join(parts[:2]) if parts[0] == "storage" else parts[0]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        # "from extended_memory.storage.sql import upgrade" names a module of the package.
        return (
            [node.module]
            if node.module != "extended_memory"
            else [f"extended_memory.{alias.name}" for alias in node.names]
        )
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
    assert readers == {"__main__", "cli.surroundings", "quick_import", "serving"}


def test_the_map_names_every_room() -> None:
    documented = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text("utf-8")))
    assert documented is not None
    for name in {room(module).partition(".")[0] for module in modules()} - {"version"}:
        assert f"``{name}``" in documented, f"{name} is not on the map"
    assert "``sql``" in documented
    assert "``redis``" in documented


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
