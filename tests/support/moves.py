"""A store whose projects are renamed, and all that it holds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from extended_memory.domain import Context, ForgottenContext, Note, PortableContext, Revision
from extended_memory.storage.contract import MemoryRepository
from tests.support.contract import foreign

DAY = timedelta(days=1)

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


def revision(number: int) -> Revision:
    return Revision(
        number=number,
        note=Note(content=f"was {number}", importance=number, tags=("a", f"past {number}")),
        replaced_at=NOON + number * DAY,
    )


def with_past(number: int, **changes: Any) -> PortableContext:
    """Return a context of another store that was changed twice there."""
    revisions = (revision(1), revision(2))
    past = {"revisions": revisions, "updated_at": revisions[-1].replaced_at, "created_at": NOON}
    return foreign(number, **(past | changes))


def held(
    repository: MemoryRepository,
) -> tuple[tuple[Context, ...], tuple[ForgottenContext, ...], Mapping[int, tuple[Revision, ...]]]:
    """Return all that a store holds, whatever the project."""
    contexts, trash = (
        repository.contexts_after(after=0, limit=999),
        repository.trash_after(after=0, limit=999),
    )
    ids = [context.id for context in [*contexts, *(one.context for one in trash)]]
    return contexts, trash, repository.revisions_of(ids)


def filled(repository: MemoryRepository, *projects: str) -> None:
    """Bring contexts of every kind into projects, tags and words of which are partly the same."""
    repository.add_imported(
        [
            with_past(
                number,
                origin=f"{project} {number}",
                project=project,
                content=f"note {number} of {project} word{number % 4}",
                tags=("a", f"{project} {number % 3}", f"t{number % 2}"),
                created_at=NOON + (number - place) * DAY / 100,
                updated_at=NOON + 3 * DAY if number % 3 else None,
                revisions=(revision(1), replace(revision(3), number=2)) if number % 3 else (),
                forgotten_at=NOON + number * DAY if number % 5 == 0 else None,
            )
            for place, project in enumerate(projects)
            for number in range(1, 30 + 40 * place)
        ]
    )


def renamed(found: tuple[Any, ...], old: str, new: str) -> tuple[Any, ...]:
    """Return what a store holds as it is after a renaming."""
    contexts, trash, revised = found
    return (
        tuple(replace(c, project=new if c.project == old else c.project) for c in contexts),
        tuple(
            replace(
                one,
                context=replace(
                    one.context, project=new if one.context.project == old else one.context.project
                ),
            )
            for one in trash
        ),
        revised,
    )
