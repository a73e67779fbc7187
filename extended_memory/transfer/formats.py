"""The forms that can be imported, and how a source is told from another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from extended_memory.transfer import (
    basic_memory,
    claude,
    front_matter,
    jsonl,
    markdown,
    mem0,
    memory_keeper,
    memory_service,
    server_memory,
)
from extended_memory.transfer.documents import value_of
from extended_memory.transfer.reading import Item, TransferError, lines

_LOOKED_AT = 20
"""How many lines of a file of JSON lines are looked at: the first may be damaged."""

_TEXT_BYTES = 2**20
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One form: the name that ``--from`` takes, its title, and a reader.

    ``count`` says quickly how many things a reader will give, where there is a quicker way
    than to read them.
    """

    name: str
    title: str
    read: Callable[[Path], Iterator[Item]]
    count: Callable[[Path], int] | None = None

    def size(self, path: Path) -> int:
        """Return about how many things there are to import."""
        return self.count(path) if self.count else sum(1 for _ in self.read(path))


JSONL = Format(name="jsonl", title="an export as JSON lines", read=jsonl.read, count=jsonl.count)
MARKDOWN = Format(
    name="markdown", title="an export as Markdown", read=markdown.read, count=markdown.count
)
SERVER_MEMORY = Format(
    name=server_memory.TOOL, title="a file of server-memory", read=server_memory.read
)
KEEPER = Format(
    name=memory_keeper.TOOL, title="an export of mcp-memory-keeper", read=memory_keeper.read
)
KEEPER_DATABASE = Format(
    name=memory_keeper.TOOL,
    title="a database of mcp-memory-keeper",
    read=memory_keeper.read_database,
)
BASIC_MEMORY = Format(
    name=basic_memory.TOOL,
    title="notes of basic-memory",
    read=basic_memory.read,
    count=markdown.count,
)
MEMORY_SERVICE = Format(
    name=memory_service.TOOL, title="an export of mcp-memory-service", read=memory_service.read
)
OPENMEMORY = Format(name=mem0.TOOL, title="memories of OpenMemory or mem0", read=mem0.read)
OPENMEMORY_LINES = Format(name=mem0.TOOL, title="memories of OpenMemory", read=mem0.read_lines)
OPENMEMORY_ZIP = Format(name=mem0.TOOL, title="a backup of OpenMemory", read=mem0.read_zip)
CLAUDE = Format(name=claude.TOOL, title="Claude's memory as text", read=claude.read_text)
CLAUDE_EXPORT = Format(name=claude.TOOL, title="Claude's memory as exported", read=claude.read)

NAMES = (
    JSONL.name,
    MARKDOWN.name,
    SERVER_MEMORY.name,
    KEEPER.name,
    BASIC_MEMORY.name,
    MEMORY_SERVICE.name,
    OPENMEMORY.name,
    CLAUDE.name,
)
"""What ``--from`` takes."""

# Forms that one name stands for are told apart by what they begin with.
_OF_LINES = (
    (jsonl.is_header, JSONL),
    (server_memory.is_one, SERVER_MEMORY),
    (mem0.is_line, OPENMEMORY_LINES),
)
_OF_DOCUMENTS = (
    (memory_keeper.is_one, KEEPER),
    (memory_service.is_one, MEMORY_SERVICE),
    (claude.is_one, CLAUDE_EXPORT),
    (mem0.is_one, OPENMEMORY),
)
_PLAIN = {one.name: one for one in (JSONL, MARKDOWN, SERVER_MEMORY, BASIC_MEMORY, CLAUDE)}
"""What a source is taken for that shows no other sign, where a person says its name."""


def format_of(path: Path, name: str = "") -> Format:
    """Say in which form a source is; ``name`` is what a person says of it.

    Raises:
        TransferError: it is in none, or in another one than the person says.
    """
    found = _recognised(path)
    if not name:
        if found is None and _begins(path, _SQLITE):
            raise TransferError(
                f"{path.name} is a database, no export: `copy` brings a store of this product in."
            )
        if found is None:
            raise TransferError(
                f"{path.name} is no export that is known here: say what it is with --from "
                f"({', '.join(NAMES)}), if it is one."
            )
        return found
    if found is not None and found.name == name:
        return found
    if name not in _PLAIN:
        raise TransferError(f"{path.name} is no export of {name}.")
    return _PLAIN[name]


def _recognised(path: Path) -> Format | None:
    if path.is_dir():
        return _of_notes(path)
    if _begins(path, _SQLITE):
        return KEEPER_DATABASE if memory_keeper.is_database(path) else None
    if _begins(path, b"PK"):
        return OPENMEMORY_ZIP if mem0.is_zip(path) else None
    if _begins(path, b"\x1f\x8b"):
        return OPENMEMORY_LINES
    return _of_json(path) or _of_text(path)


def _begins(path: Path, magic: bytes) -> bool:
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _of_notes(path: Path) -> Format | None:
    for file in markdown.files(path):
        try:
            values, _ = front_matter.split(file.read_bytes())
        except ValueError:
            continue
        if markdown.is_ours(values):
            return MARKDOWN
        if basic_memory.is_note(values):
            return BASIC_MEMORY
    return None


def _of_json(path: Path) -> Format | None:
    for number, (_, row) in enumerate(lines(path)):
        if number == _LOOKED_AT:
            break
        try:
            value = value_of(row)
        except ValueError:
            continue
        for is_one, form in _OF_LINES:
            if is_one(value):
                return form
    with path.open("rb") as file:
        if file.read(2**12).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"{", b"["):
            return None
    try:
        value = value_of(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None
    return next((form for is_one, form in _OF_DOCUMENTS if is_one(value)), None)


def _of_text(path: Path) -> Format | None:
    with path.open("rb") as file:
        data = file.read(_TEXT_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    notes = _of_notes(path) if path.suffix == markdown.SUFFIX else None
    return notes or (CLAUDE if claude.is_text(text) else None)
