"""Short ways to use a repository, for tests of its contract."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from extended_memory.domain import Context, ContextPage, Note, PortableContext, Selection
from extended_memory.storage.contract import MemoryRepository

Open = Callable[[], MemoryRepository]
"""Opens one more repository on the test's own store."""

TEN_MINUTES = timedelta(minutes=10)

NO_TIME = timedelta(0)


def save(repository: MemoryRepository, content: str, **changes: Any) -> Context:
    """Save with plain values where a test names none."""
    project = changes.pop("project", "alpha")
    repeat_within = changes.pop("repeat_within", TEN_MINUTES)
    values: dict[str, Any] = {"importance": 5} | changes
    note = Note(content=content, **values)
    return repository.save(project, note, repeat_within=repeat_within)


def selection(values: dict[str, Any]) -> Selection:
    """Take the values of a selection out of others."""
    names = {"minimum_importance", "tags", "span"} & values.keys()
    return Selection(**{name: values.pop(name) for name in names})


def load(repository: MemoryRepository, project: str = "alpha", **changes: Any) -> ContextPage:
    """Load everything where a test names nothing."""
    selected = selection(changes)
    values: dict[str, Any] = {"limit": 100, "offset": 0} | changes
    return repository.load(project, selected, **values)


def everything(repository: MemoryRepository) -> dict[str, Any]:
    """Return all that a reader can see."""
    return {
        project.name: (
            project,
            load(repository, project.name),
            repository.popular_tags(project.name, minimum_count=1, limit=100),
        )
        for project in repository.projects()
    }


def foreign(number: int, **changes: Any) -> PortableContext:
    """Return a context of another store with plain values where a test names none."""
    values: dict[str, Any] = {
        "origin": f"elsewhere:{number}",
        "project": "alpha",
        "created_at": datetime(2024, 2, 29, microsecond=123_000, tzinfo=timezone.utc)
        + timedelta(seconds=number),
    }
    note = Note(
        content=changes.pop("content", f"note {number}"),
        importance=changes.pop("importance", number % 10 + 1),
        tags=changes.pop("tags", ("a", f"t{number % 3}")),
    )
    return PortableContext(note=note, **(values | changes))


def as_stored(context: PortableContext, context_id: int) -> Context:
    return Context(
        id=context_id,
        project=context.project,
        note=context.note,
        created_at=context.created_at,
    )


def tell(what: str, done: int, total: int) -> None:
    """Listen to nothing."""
