"""The forms that can be imported, and how a source is told from another: by its own marks.

A wrong guess would lose projects, tags or what was forgotten. So where the marks of two forms are
there a person is asked, and what a person says does not count against the marks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from extended_memory.transfer.archive import Plain, Unpacker
from extended_memory.transfer.formats import (
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
from extended_memory.transfer.formats.documents import MAXIMUM_DOCUMENT_BYTES, value_of
from extended_memory.transfer.formats.item import Damaged, Item, TransferError, lines

_LOOKED_AT = 20
"""How many lines of a file of JSON lines are looked at: the first may be damaged."""

_TEXT_BYTES = 2**20
_SQLITE = b"SQLite format 3\0"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source as it can be read: in which form, and where it lies unpacked."""

    form: Format
    path: Path
    flaw: str = ""

    def size(self) -> int:
        """Return about how many things there are to import."""
        return self.form.size(self.path)

    def items(self) -> Iterator[Item]:
        """Give all that is there, and at the end what could not be unpacked."""
        yield from self.form.read(self.path)
        if self.flaw:
            yield Damaged(place="the end", why=self.flaw)


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
"""The names that ``--from`` takes."""

# Forms that one name stands for are told apart by what they begin with.
_OF_LINES = (
    (jsonl.is_one, JSONL),
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
"""The formats of sources without a sign of their own, where a person names them."""


@contextmanager
def opened(source: Path | IO[bytes], name: str = "") -> Iterator[Opened]:
    """Unpack a source where it is compressed or no regular file, and recognise it.

    ``name`` is the form that a person says it has. Standard input is a stream.

    Raises:
        TransferError: it is in no form, in several, or in another one than the person says.
    """
    with ExitStack() as stack:
        unpacker = Unpacker(stack)
        path = source if isinstance(source, Path) else unpacker.spooled(source, "standard input")
        plain = unpacker.plain(path)
        if len(plain) == 1:
            (one,) = plain
            form = _format_of(one, name)
        else:
            one, form = _chosen(path, plain, name)
        yield Opened(form=form, path=one.path, flaw=one.flaw)


def format_of(path: Path, name: str = "") -> Format:
    """Say in which form a plain source is; ``name`` is what a person says of it.

    Raises:
        TransferError: it is in none, in several, or in another one than the person says.
    """
    fitting = _fitting(path)
    if not name:
        if not fitting and _begins(path, _SQLITE):
            raise TransferError(
                f"{path.name} is a database, no export.",
                remedy="`copy` brings a store of this product in.",
            )
        return _only(path, fitting)
    for form in fitting:
        if form.name == name:
            return form
    if fitting:
        raise _contradiction(path, fitting, name)
    if name not in _PLAIN:
        raise TransferError(f"{path.name} is no export of {name}.")
    return _PLAIN[name]


def _format_of(plain: Plain, name: str) -> Format:
    try:
        return format_of(plain.path, name)
    except TransferError as error:
        if plain.flaw:
            raise TransferError(f"{plain.path.name} is damaged: {plain.flaw}.") from error
        raise


def _chosen(path: Path, plain: Sequence[Plain], name: str) -> tuple[Plain, Format]:
    """Return what in an archive of several things is to be imported."""
    found = [(one, form) for one in plain for form in _known(one.path)]
    if any(form == OPENMEMORY_LINES for _, form in found):
        # Its backup holds the same once more as tables.
        found = [each for each in found if each[1] != OPENMEMORY]
    fitting = [each for each in found if name in ("", each[1].name)]
    if len(fitting) == 1 and (name or len(found) == 1):
        return fitting[0]
    if name and found and not fitting:
        raise _contradiction(path, [form for _, form in found], name)
    folder = next((one for one in plain if one.path.is_dir()), None)
    if not found and folder and name in (MARKDOWN.name, BASIC_MEMORY.name):
        return folder, _PLAIN[name]
    form = _only(path, [form for _, form in fitting])
    raise TransferError(
        f"{path.name} holds several exports, each {form.title}.",
        remedy="unpack it, and name each of them.",
    )


def _known(path: Path) -> list[Format]:
    """Return the forms that something in an archive fits; what is not readable is in none."""
    try:
        return _fitting(path)
    except TransferError:
        return []


def _only(path: Path, fitting: Sequence[Format]) -> Format:
    """Return the one form that fits."""
    if not fitting:
        raise TransferError(
            f"{path.name} is no export that is known here.",
            remedy=f"say what it is with --from ({', '.join(NAMES)}), if it is one.",
        )
    by_name = {form.name: form for form in fitting}
    if len(by_name) > 1:
        titles = " or ".join(form.title for form in by_name.values())
        raise TransferError(
            f"{path.name} can be {titles}.", remedy=f"say which with --from ({', '.join(by_name)})."
        )
    return fitting[0]


def _contradiction(path: Path, fitting: Sequence[Format], name: str) -> TransferError:
    by_name = {form.name: form for form in fitting}
    titles = " or ".join(form.title for form in by_name.values())
    return TransferError(
        f"{path.name} looks like {titles}, not like {name}.",
        remedy=f"leave --from out, or say --from {' or '.join(by_name)}.",
    )


def _fitting(path: Path) -> list[Format]:
    """Return every form whose marks a plain source shows."""
    if path.is_dir():
        return _of_notes(path)
    if _begins(path, _SQLITE):
        return [KEEPER_DATABASE] if memory_keeper.is_database(path) else []
    return _of_json(path) or _of_text(path)


def _begins(path: Path, magic: bytes) -> bool:
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _of_notes(path: Path) -> list[Format]:
    """Return the forms of the notes in a folder, or of the one in a file."""
    found: dict[str, Format] = {}
    for file in markdown.files(path):
        try:
            values, _ = front_matter.split(markdown.data_of(file))
        except ValueError:
            continue
        if markdown.is_ours(values):
            found[MARKDOWN.name] = MARKDOWN
        elif basic_memory.is_note(values):
            found[BASIC_MEMORY.name] = BASIC_MEMORY
        if len(found) == 2:
            break
    return list(found.values())


def _of_json(path: Path) -> list[Format]:
    found: dict[str, Format] = {}
    count, first = 0, None
    for _, row in lines(path):
        if count == _LOOKED_AT:
            break
        count += 1
        try:
            value = value_of(row)
        except ValueError:
            continue
        first = value if count == 1 else first
        found |= {form.name: form for is_one, form in _OF_LINES if is_one(value)}
    if count == 1 or (first is None and not found):
        value = _document(path) if first is None else first
        found |= {form.name: form for is_one, form in _OF_DOCUMENTS if is_one(value)}
    return list(found.values())


def _document(path: Path) -> object:
    """Return the JSON value that a whole file is, None where it is none."""
    if path.stat().st_size > MAXIMUM_DOCUMENT_BYTES:
        return None
    with path.open("rb") as file:
        if file.read(2**12).removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] not in (b"{", b"["):
            return None
    try:
        return value_of(path.read_bytes().removeprefix(_BYTE_ORDER_MARK))
    except ValueError:
        return None


def _of_text(path: Path) -> list[Format]:
    with path.open("rb") as file:
        data = file.read(_TEXT_BYTES)
    try:
        # What is cut off a character at the end is none of the file's fault.
        text = data.decode("utf-8-sig", errors="ignore" if len(data) == _TEXT_BYTES else "strict")
    except UnicodeDecodeError:
        return []
    return _of_notes(path) or ([CLAUDE] if claude.is_text(text) else [])
