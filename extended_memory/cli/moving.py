"""A whole store in pieces, and a project by its name, for the commands that move contexts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from cyclopts import Parameter

from extended_memory.domain import Context, Revision, SettingsError
from extended_memory.names import (
    MAXIMUM_PROJECT_CHARACTERS,
    control_character,
    normalise_project,
)
from extended_memory.service import MemoryService

STANDARD = "-"
"""Standard input or output, in place of a file."""

BATCH = 200
"""How many contexts are held at once, each with all of its earlier texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A context with all it was before, oldest first, and since when it is in the trash."""

    context: Context
    revisions: tuple[Revision, ...]
    forgotten_at: datetime | None = None


def _no_option(_type: Any, place: Any) -> None:
    for name in (place,) if isinstance(place, str) else place:
        if name.startswith("-") and name != STANDARD:
            raise ValueError(f"There is no option {name}; a file of that name is ./{name}.")


Place = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_no_option)]
"""A file or a folder, or ``STANDARD``."""


def counted(count: int, singular: str) -> str:
    """Return a number and what it counts: ``1 context``, ``1,200 contexts``."""
    return f"{count:,} {singular}" + ("" if count == 1 else "s")


def project_name(name: str) -> str:
    """Return a project's name as it is stored, "" for none.

    Raises:
        SettingsError: no project can be called so.
    """
    project = normalise_project(name)
    if control_character(project) is not None or len(project) > MAXIMUM_PROJECT_CHARACTERS:
        raise SettingsError(
            f"A project's name has no control characters and at most {MAXIMUM_PROJECT_CHARACTERS} "
            "others: give another --project."
        )
    return project


def stored(memory: MemoryService, *, project: str = "") -> Iterator[Stored]:
    """Give every context, or those of a project, by rising id.

    What is saved, moved or forgotten meanwhile may come or not.
    """
    last = 0
    while contexts := memory.walk(after=last, limit=BATCH):
        last = contexts[-1].id
        asked = [context for context in contexts if project in ("", context.project)]
        revised = memory.revised([context.id for context in asked])
        for context in asked:
            yield Stored(context=context, revisions=revised.get(context.id, ()))


def trashed(memory: MemoryService, *, project: str = "", after: int = 0) -> Iterator[Stored]:
    """Give everything in the trash, or that of a project, from an id on, by rising id."""
    while forgotten := memory.walk_trash(after=after, limit=BATCH):
        after = forgotten[-1].context.id
        asked = [one for one in forgotten if project in ("", one.context.project)]
        revised = memory.revised([one.context.id for one in asked])
        for one in asked:
            yield Stored(
                context=one.context,
                revisions=revised.get(one.context.id, ()),
                forgotten_at=one.forgotten_at,
            )
