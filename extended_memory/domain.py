"""The values that the layers exchange, their bounds, and the errors they raise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from extended_memory.errors import (
    ExtendedMemoryError,
    ProjectRefusedError,
    ReadOnlyError,
    TimeRefusedError,
)

MINIMUM_IMPORTANCE = 1
MAXIMUM_IMPORTANCE = 10
DEFAULT_IMPORTANCE = 5

MAXIMUM_TAGS = 32
"""Of a context that is saved today; older stores may hold more."""

MAXIMUM_INTEGER = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact (RFC 8259, section 6)."""

MAXIMUM_CONTENT_BYTES = 50_000
"""Of UTF-8, in a context that is saved today; older stores may hold larger ones."""

DEFAULT_PROJECT = "general"
"""The project of a call that names none, as in 0.9.0."""

DEFAULT_TRASH_DAYS = 30
"""How long a forgotten context can be restored."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_MILLISECONDS = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND

OLDEST_TIME = _EPOCH
NEWEST_TIME = datetime(2248, 1, 1, tzinfo=timezone.utc) - _MILLISECOND
"""The bounds of every time that is stored, on every backend.

Redis sorts by importance and then by milliseconds since 1970, and has room for them until 2248;
and every time within can be shown in every zone.
"""

TIME_BOUNDS = f"from {OLDEST_TIME.year} to {NEWEST_TIME.year}"
"""The same in words: "a time must be ..."."""


def to_milliseconds(moment: datetime) -> int:
    """Return an aware time as whole milliseconds since 1970 in UTC, as stores keep it."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the aware UTC time of whole milliseconds since 1970.

    An older store may hold one that no time has: the last one that there is stands for it.
    """
    return _EPOCH + min(milliseconds, _LAST_MILLISECONDS) * _MILLISECOND


def can_be_stored(moment: datetime) -> bool:
    """Say whether an aware time is within the bounds of every store."""
    return OLDEST_TIME <= moment <= NEWEST_TIME


def week_of(moment: datetime) -> date:
    """Return the Monday of the week that a time is in, in UTC."""
    day = moment.astimezone(timezone.utc).date()
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The text of a context with its importance and tags: the part of it that can change.

    ``tags`` are normalised, unique and sorted. Two saves with equal notes repeat each other.
    """

    content: str
    importance: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One saved piece of memory: its note, exactly as it was given, with its id and project.

    Times are in UTC, to the millisecond. ``updated_at`` is None where it was never changed.
    """

    id: int
    project: str
    note: Note
    created_at: datetime
    updated_at: datetime | None = None

    @property
    def last_changed_at(self) -> datetime:
        """When it became what it is."""
        return self.updated_at or self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a note: None leaves a part as it is; tags can also be added and removed."""

    content: str | None = None
    importance: int | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()

    def applied_to(self, note: Note) -> Note:
        """Return the note as it is to be; it is equal where nothing changes."""
        tags = note.tags if self.tags is None else self.tags
        return replace(
            note,
            content=note.content if self.content is None else self.content,
            importance=note.importance if self.importance is None else self.importance,
            tags=tuple(sorted((set(tags) | set(self.add_tags)) - set(self.remove_tags))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpan:
    """From a time on, and until before another one; None stands for no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        """Say whether a time lies within."""
        return (self.since is None or self.since <= moment) and (
            self.until is None or moment < self.until
        )


ALWAYS = TimeSpan()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which contexts of a project are meant; by default every one."""

    minimum_importance: int = MINIMUM_IMPORTANCE
    tags: tuple[str, ...] = ()
    """A context carries any of these, normalised; none asks for nothing."""
    span: TimeSpan = ALWAYS
    """When a context was saved."""


EVERY_CONTEXT = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A note before a change; ``number`` counts from 1, ``replaced_at`` is in UTC."""

    number: int
    note: Note
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatedContext:
    """A context after a change, and the number of what it was; None where nothing changed."""

    context: Context
    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenContext:
    """A context in the trash, and since when it is there, in UTC."""

    context: Context
    forgotten_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableContext:
    """A context on its way from one store to another: with its own times, and where it came from.

    ``origin`` is the same for the same context at every import, and for no other one;
    times are in UTC. ``updated_at`` is not before ``created_at``; where there are
    revisions, it is when the last of them was replaced, and each was replaced later than the one
    before.
    """

    origin: str
    project: str
    note: Note
    created_at: datetime
    updated_at: datetime | None = None
    revisions: tuple[Revision, ...] = ()
    """Its revisions, the oldest first."""
    forgotten_at: datetime | None = None
    """Since when it is in the trash, None where it is not."""

    @property
    def unstorable_time(self) -> str | None:
        """The name of its first time that no store takes, None where every store takes all."""
        times = [
            ("created_at", self.created_at),
            ("updated_at", self.updated_at),
            *(("replaced_at", revision.replaced_at) for revision in self.revisions),
            ("forgotten_at", self.forgotten_at),
        ]
        return next(
            (name for name, time in times if time is not None and not can_be_stored(time)), None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a context is now that was brought once.

    ``place`` is "gone" where it was forgotten for good; ``project`` is then the one that it was
    in, None where nobody noted that.
    """

    place: Literal["contexts", "trash", "gone"]
    project: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPage:
    """Some of the contexts that match, newest first, and how many match in all.

    ``total_is_exact`` is false where more may match than ``total`` says.
    """

    contexts: tuple[Context, ...]
    total: int
    total_is_exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A word of a query that a context has.

    ``taken_for`` is the word of the context that stood for it, None where it is the same word.
    """

    word: str
    taken_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContext:
    """A context that a search found; ``score`` is above 0 and at most 1."""

    context: Context
    score: float
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Some of the contexts that a search found, best first.

    ``total`` counts what was found, up to the number that a search looks at; ``terms`` is what was
    looked for, for the passage that is shown; ``suggestions`` are words of the project that may
    be meant where nothing was found; ``unindexed`` counts contexts that no search finds yet.
    """

    found: tuple[FoundContext, ...] = ()
    total: int = 0
    terms: frozenset[str] = frozenset()
    suggestions: tuple[str, ...] = ()
    unindexed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that holds at least one context. Times are in UTC, to the millisecond."""

    name: str
    context_count: int
    created_at: datetime
    last_saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCount:
    """A tag and the number of contexts of one project that carry it."""

    tag: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPage:
    """The most used tags of a project, and how many match in all."""

    tags: tuple[TagCount, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How much a project holds, or a whole store."""

    context_count: int = 0
    trash_count: int = 0
    revision_count: int = 0
    """Of contexts, in the trash or not."""
    content_bytes: int = 0
    """Of the contents in UTF-8, without the trash and what they were before."""
    by_importance: Mapping[int, int] = field(default_factory=dict)
    """How many contexts have each importance that any has, rising."""
    by_week: tuple[tuple[date, int], ...] = ()
    """How many were saved in each week that has any: its Monday in UTC, rising."""
    oldest: datetime | None = None
    """When the first of the contexts was saved, None where there is none."""
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomInstructions:
    """The user's own instructions, or in one line why they could not be read."""

    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The additions of a conversation's first load to its contexts."""

    instructions: CustomInstructions = CustomInstructions()
    popular_tags: tuple[TagCount, ...] = ()
    context_count: int = 0
    """How many contexts the project holds, of any importance."""
    notice: str = ""
    """A notice about the store for the person, where nothing was loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy of a store's file.

    ``reason`` is "upgrade" where it was made before one, "manual" where it was asked for,
    "replaced" where another backup was restored over it, "" where nothing says. ``context_count``
    is None where the copy cannot be read, and ``is_damaged`` says that its pages are not whole.
    """

    path: Path
    written_at: datetime
    reason: str
    revision: str
    size: int
    context_count: int | None
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFile:
    """A file that lay where it would have harmed another one, and where it is kept now."""

    found: Path
    kept: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBackup:
    """A backup that was made, and the older ones that went because of it."""

    backup: Backup
    removed: tuple[Path, ...] = ()
    moved: tuple[MovedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredBackup:
    """A backup in its new place; ``replaced`` is where the file is kept that was there before."""

    backup: Backup
    replaced: Path | None = None
    moved: tuple[MovedFile, ...] = ()


class ContextChangedError(ExtendedMemoryError):
    """A context is not what a change was made for; nothing was changed."""

    def __init__(self, current: Context) -> None:
        super().__init__(f"#{current.id} was changed meanwhile, so it was left as it is.")
        self.current = current


def require_storable(contexts: Iterable[PortableContext]) -> None:
    """Look at the times of contexts before any of them is stored.

    Raises:
        TimeRefusedError: one is out of bounds.
    """
    for context in contexts:
        name = context.unstorable_time
        if name is not None:
            raise TimeRefusedError(
                f"A context has a time that no store takes ({name} must be {TIME_BOUNDS}), and "
                "nothing was stored.",
                remedy="give it another time.",
            )


def require_clock(now: datetime) -> datetime:
    """Return the time of a clock.

    Raises:
        TimeRefusedError: no store takes it, so the clock is wrong.
    """
    if not can_be_stored(now):
        raise TimeRefusedError(
            f"The clock of this machine is wrong (it is not {TIME_BOUNDS} there), so nothing was "
            "saved or changed.",
            remedy="set it right, and try again.",
        )
    return now


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which projects may be seen, and whether anything may be changed. A pin is one project."""

    projects: frozenset[str] | None = None
    """Their names, normalised; None for all there are."""
    read_only: bool = False

    def __post_init__(self) -> None:
        """Refuse a scope in which there is nothing.

        Raises:
            ValueError: it has no project.
        """
        if self.projects is not None and not self.projects:
            raise ValueError("A scope has at least one project.")

    @property
    def pinned(self) -> str | None:
        """The project of a pin, None where there may be several."""
        if self.projects is None or len(self.projects) > 1:
            return None
        return next(iter(self.projects))

    def project_for(self, name: str) -> str:
        """Return the project that a call works on; ``name`` is "" where it names none.

        Raises:
            ProjectRefusedError: it is another one, or there are several to name one of.
        """
        if self.projects is None:
            return name or DEFAULT_PROJECT
        if name in self.projects:
            return name
        if not name and self.pinned is not None:
            return self.pinned
        raise self.refusal(name)

    def within(self, name: str) -> str | None:
        """Return the project that a call by id looks into, None for all there are.

        Raises:
            ProjectRefusedError: as ``project_for``.
        """
        return None if self.projects is None and not name else self.project_for(name)

    def among(self, name: str) -> frozenset[str] | None:
        """Return the projects that are walked through: the one named, or all of the scope.

        Raises:
            ProjectRefusedError: the one named is not of the scope.
        """
        return frozenset({self.project_for(name)}) if name else self.projects

    def require_change(self) -> None:
        """Refuse a change where there may be none.

        Raises:
            ReadOnlyError: the scope is for reading alone.
        """
        if self.read_only:
            raise ReadOnlyError(
                "This server may only read the memory, so nothing was changed.",
                remedy="make the change with one that may write.",
            )

    def refusal(self, name: str) -> ProjectRefusedError:
        """Return the refusal of a project, "" where a call names none."""
        given = f'; given: "{name}"' if name else ""
        if self.pinned is not None:
            return ProjectRefusedError(
                f'This server is pinned to the project "{self.pinned}".',
                remedy=f"leave project_id out or give that one{given}.",
            )
        names = ", ".join(f'"{one}"' for one in sorted(self.projects or ()))
        return ProjectRefusedError(
            f"This server serves the projects {names}.",
            remedy=f"give one of them as project_id{given}.",
        )


EVERY_PROJECT = Scope()
