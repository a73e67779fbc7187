"""OpenMemory and mem0: what lies in the zip of OpenMemory's backup, and mem0's memories.

OpenMemory's zip holds ``memories.jsonl.gz``, a memory a line with the names of its app and
categories, and ``memories.json``, the same as tables; either can be there alone. mem0 answers
``get_all`` with a list of memories, alone or as ``results``.
"""

from collections.abc import Iterator
from pathlib import Path

from extended_memory.transfer.formats.adapt import adapted, mapping, texts
from extended_memory.transfer.formats.documents import document, objects
from extended_memory.transfer.formats.item import Damaged, Item, LeftOut

TOOL = "openmemory"

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


def read(path: Path) -> Iterator[Item]:
    """Give the memories of a document."""
    yield from _document(document(path))


def read_lines(path: Path) -> Iterator[Item]:
    """Give the memories of OpenMemory's lines."""
    for line in objects(path):
        if isinstance(line, Damaged):
            yield line
            continue
        place, memory = line
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
