"""The official ``@modelcontextprotocol/server-memory``: its file of entities and relations.

An entity becomes one context: its name and kind, its observations, and the relations that
begin at it, which stand at the end of the file. Observations have neither time nor weight there.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from extended_memory.transfer.formats.adapt import adapted, texts
from extended_memory.transfer.formats.documents import objects
from extended_memory.transfer.formats.item import Damaged, Item

TOOL = "server-memory"


def is_one(value: object) -> bool:
    """Say whether a line is of such a file."""
    return isinstance(value, dict) and (
        (value.get("type") == "entity" and "observations" in value)
        or (value.get("type") == "relation" and "relationType" in value)
    )


def read(path: Path) -> Iterator[Item]:
    """Give a context for each entity, and for a relation whose entity is not there."""
    related: defaultdict[str, list[str]] = defaultdict(list)
    for line in objects(path):
        if not isinstance(line, Damaged) and line[1].get("type") == "relation":
            start, *rest = (str(line[1].get(part)) for part in ("from", "relationType", "to"))
            related[start].append(" ".join(rest))
    for line in objects(path):
        if isinstance(line, Damaged):
            yield line
            continue
        place, value = line
        if value.get("type") == "relation":
            continue
        name, kind = value.get("name"), value.get("entityType")
        if value.get("type") != "entity" or not isinstance(name, str):
            yield Damaged(place=place, why="it is neither an entity nor a relation")
            continue
        yield from _entity(
            place, name, kind, texts(value.get("observations")), related.pop(name, [])
        )
    for name, relations in related.items():
        yield from _entity("relations", name, None, [], relations)


def _entity(
    place: str, name: str, kind: object, observations: list[str], relations: list[str]
) -> Iterator[Item]:
    head = f"{name} ({kind})" if isinstance(kind, str) and kind else name
    facts = [*observations, *(f"{name} {relation}" for relation in relations)]
    yield from adapted(
        tool=TOOL,
        key=name,
        place=place,
        project=None,
        content="\n".join([f"{head}:" if facts else head, *(f"- {fact}" for fact in facts)]),
        tags=[kind],
    )
