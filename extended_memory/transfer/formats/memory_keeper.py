"""mcp-memory-keeper: the JSON of its ``context_export``, or its database ``context.db``.

The items of its sessions are memories; the files it caches and its checkpoints are none. The
database is only read, and nothing is left beside it.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path, PureWindowsPath

from extended_memory.transfer.formats.adapt import adapted, mapping
from extended_memory.transfer.formats.documents import document
from extended_memory.transfer.formats.item import Damaged, Item, LeftOut, TransferError

TOOL = "mcp-memory-keeper"

_NO_CHANNEL = "general"
"""The one of what was put into none."""

_ITEMS = """
    SELECT items.*, sessions.working_directory FROM context_items items
    LEFT JOIN sessions ON sessions.id = items.session_id ORDER BY items.created_at, items.id
"""


def is_one(value: object) -> bool:
    """Say whether a document is such an export."""
    return isinstance(value, dict) and "contextItems" in value and "session" in value


def is_database(path: Path) -> bool:
    """Say whether a SQLite file is its database."""
    try:
        with closing(_opened(path)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return False
    return {"sessions", "context_items"} <= tables


def read(path: Path) -> Iterator[Item]:
    """Give the items of an export."""
    value = mapping(document(path))
    session = mapping(value.get("session"))
    items = value.get("contextItems")
    for number, item in enumerate(items if isinstance(items, list) else [], start=1):
        yield from _item(f"item {number:,}", mapping(item), session.get("working_directory"))
    for kind, name in (("fileCache", "cached files"), ("checkpoints", "checkpoints")):
        others = value.get(kind)
        yield from (LeftOut(kind=name) for _ in (others if isinstance(others, list) else []))


def read_database(path: Path) -> Iterator[Item]:
    """Give the items of all sessions.

    Raises:
        TransferError: SQLite cannot read the file.
    """
    try:
        with closing(_opened(path)) as database:
            database.row_factory = sqlite3.Row
            for number, row in enumerate(database.execute(_ITEMS), start=1):
                yield from _item(f"item {number:,}", dict(row), row["working_directory"])
    except sqlite3.Error as error:
        raise TransferError(f"{path.name} cannot be read as a database: {error}.") from error


def _item(place: str, item: Mapping[str, object], folder: object) -> Iterator[Item]:
    key, value = item.get("key"), item.get("value")
    if not isinstance(key, str) or not isinstance(value, str):
        yield Damaged(place=place, why="it has no key or no value")
        return
    yield from adapted(
        tool=TOOL,
        key=str(item.get("id") or key),
        place=place,
        # It knows no projects, but where a session was at work.
        project=PureWindowsPath(folder).name if isinstance(folder, str) else None,
        content=f"{key}: {value}",
        importance=item.get("priority"),
        tags=[item.get("category"), *(one for one in [item.get("channel")] if one != _NO_CHANNEL)],
        created_at=item.get("created_at"),
        updated_at=item.get("updated_at"),
    )


def _opened(path: Path) -> sqlite3.Connection:
    # Without a log beside it nobody is writing: "immutable" then makes no file either.
    quiet = not path.with_name(path.name + "-wal").exists()
    options = "mode=ro&immutable=1" if quiet else "mode=ro"
    return sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True)
