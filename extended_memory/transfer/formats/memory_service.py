"""mcp-memory-service: the JSON that its ``memory export`` writes."""

from collections.abc import Iterator
from pathlib import Path

from extended_memory.transfer.formats.adapt import adapted, mapping, texts
from extended_memory.transfer.formats.documents import document
from extended_memory.transfer.formats.item import Item

TOOL = "mcp-memory-service"

_NO_TAG = "untagged"
_DEFAULT_STORE = "default"


def is_one(value: object) -> bool:
    """Say whether a document is such an export."""
    return isinstance(value, dict) and "export_metadata" in value and "memories" in value


def read(path: Path) -> Iterator[Item]:
    """Give the memories of an export, those of a store of their own as a project."""
    memories = mapping(document(path)).get("memories")
    for number, value in enumerate(memories if isinstance(memories, list) else [], start=1):
        memory = mapping(value)
        more = mapping(memory.get("metadata"))
        store = memory.get("store")
        yield from adapted(
            tool=TOOL,
            key=str(memory.get("content_hash")),
            place=f"memory {number:,}",
            project=None if store == _DEFAULT_STORE else store,
            content=memory.get("content"),
            importance=more.get("importance"),
            tags=[
                *(tag for tag in texts(memory.get("tags")) if tag != _NO_TAG),
                memory.get("memory_type"),
            ],
            created_at=memory.get("created_at"),
            # It is set whenever a memory is stored, so it tells of no change.
        )
