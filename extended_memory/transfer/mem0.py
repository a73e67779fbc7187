"""OpenMemory and mem0: the zip of OpenMemory's backup, what lies in it, and mem0's memories.

OpenMemory's zip holds ``memories.jsonl.gz``, a memory a line with the names of its app and
categories, and ``memories.json``, the same as tables; either can be there alone. mem0 answers
``get_all`` with a list of memories, alone or as ``results``.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from extended_memory.transfer.adapting import adapted, mapping, texts
from extended_memory.transfer.documents import document, value_of
from extended_memory.transfer.reading import Damaged, Item, LeftOut, TransferError

TOOL = "openmemory"

_LINES = "memories.jsonl.gz"
_TABLES = "memories.json"
_ITSELF = "openmemory"
"""The app that memories belong to which no other one saved."""


def is_line(value: object) -> bool:
    """Say whether a line is of OpenMemory's ``memories.jsonl``."""
    return isinstance(value, dict) and value.keys() >= {"id", "content", "state", "categories"}


def is_one(value: object) -> bool:
    """Say whether a document is OpenMemory's tables, or mem0's memories."""
    if isinstance(value, dict) and "export_meta" in value and "memories" in value:
        return True
    memories = value.get("results") if isinstance(value, dict) else value
    return isinstance(memories, list) and any(
        isinstance(memory, dict) and {"id", "memory"} <= memory.keys() for memory in memories
    )


def is_zip(path: Path) -> bool:
    """Say whether a zip is OpenMemory's backup."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(_called(name) in (_LINES, _TABLES) for name in archive.namelist())


def read(path: Path) -> Iterator[Item]:
    """Give the memories of a document."""
    yield from _document(document(path))


def read_lines(path: Path) -> Iterator[Item]:
    """Give the memories of OpenMemory's lines, compressed or not."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield from _packed_lines(path, file) if packed else _lines(file)


def read_zip(path: Path) -> Iterator[Item]:
    """Give the memories of OpenMemory's backup."""
    try:
        # A RuntimeError is what a zip with a password, or packed in another way, raises.
        with zipfile.ZipFile(path) as archive:
            names = {_called(name): name for name in archive.namelist()}
            if _LINES in names:
                with archive.open(names[_LINES]) as file:
                    yield from _packed_lines(path, file)
            else:
                yield from _document(value_of(archive.read(names[_TABLES])))
    except (zipfile.BadZipFile, ValueError, RuntimeError) as error:
        raise TransferError(f"{path.name} is damaged: {error}.") from error


def _called(name: str) -> str:
    return name.rpartition("/")[2]


def _packed_lines(path: Path, file: IO[bytes]) -> Iterator[Item]:
    try:
        with gzip.open(file) as unpacked:
            yield from _lines(unpacked)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TransferError(f"{path.name} is damaged: {error}.") from error


def _lines(file: Iterable[bytes]) -> Iterator[Item]:
    for number, row in enumerate(file, start=1):
        place = f"line {number:,}"
        try:
            memory = mapping(value_of(row))
        except ValueError:
            yield Damaged(place=place, why="it is no JSON")
            continue
        yield from _memory(place, memory, memory.get("app"), texts(memory.get("categories")))


def _document(value: object) -> Iterator[Item]:
    tables = mapping(value)
    memories = tables.get("memories") or tables.get("results") or value
    categories, apps = _names(tables.get("categories")), _names(tables.get("apps"))
    for number, row in enumerate(memories if isinstance(memories, list) else [], start=1):
        memory = mapping(row)
        tags = [categories.get(one) for one in texts(memory.get("category_ids"))]
        yield from _memory(
            f"memory {number:,}",
            memory,
            apps.get(str(memory.get("app_id"))) or memory.get("agent_id"),
            [*(tag for tag in tags if tag), *texts(memory.get("categories"))],
        )


def _names(rows: object) -> dict[str, str]:
    """Return the names of a table's rows by their ids."""
    values = [mapping(row) for row in rows] if isinstance(rows, list) else []
    return {str(row.get("id")): str(row.get("name")) for row in values}


def _memory(place: str, memory: object, app: object, tags: list[str]) -> Iterator[Item]:
    values = mapping(memory)
    more = mapping(values.get("metadata"))
    state = values.get("state")
    if state == "deleted":
        yield LeftOut(kind="deleted memories")
        return
    yield from adapted(
        tool=TOOL,
        key=str(values.get("id")),
        place=place,
        project=more.get("project") or (None if app == _ITSELF else app),
        content=values.get("content", values.get("memory")),
        importance=more.get("importance"),
        tags=[*tags, more.get("category"), *([state] if state in ("archived", "paused") else [])],
        created_at=values.get("created_at"),
        updated_at=values.get("updated_at"),
    )
