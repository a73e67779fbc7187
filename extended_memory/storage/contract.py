"""The promises of a repository, in prose; each sentence is a test that runs on every backend."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta

from extended_memory.domain import (
    Change,
    Context,
    ContextPage,
    ForgottenContext,
    Note,
    PortableContext,
    Project,
    Revision,
    SearchPage,
    Selection,
    Standing,
    Summary,
    TagPage,
    TimeSpan,
    UpdatedContext,
)
from extended_memory.flaws import Finding

MAY_WAIT: ContextVar[bool] = ContextVar("MAY_WAIT", default=True)
"""Whether a call may wait for other writers.

If not, one that would have to wait raises ``StoreBusyError`` and has changed nothing.
"""


MAXIMUM_REPEAT_WINDOW = timedelta(hours=1)
"""How far back a save can be asked to look for one that it repeats."""

MAXIMUM_COUNTED = 1_000
"""How many contexts are counted one by one where several tags are asked for."""


Tell = Callable[[str, int, int], None]
"""Is told what is looked at, how much of it was, and of how much; 0 where nobody knows."""


class Contexts(ABC):
    """Contexts by their project and by their ids, the projects, and their tags."""

    @abstractmethod
    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        """Store a note as a context, and return that with its id and time.

        The content is kept byte for byte. An id is a positive integer that was never used
        before, in any project, not even by a context that has been forgotten. The time is the
        store's clock in UTC, to the millisecond. A project that does not exist begins to.
        Where that clock is out of the bounds of ``domain``, nothing is stored or changed.

        A save that repeats one of the last ``repeat_within`` (same project, equal note) stores
        nothing and returns the context of then, the newest if there are several.
        The window is at most ``MAXIMUM_REPEAT_WINDOW``.
        """

    @abstractmethod
    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        """Return a project's contexts of a selection, newest first.

        They are of at least its importance. With ``tags``, only contexts that carry any of them;
        one that carries several comes once. With ``span``, only contexts that were saved within it.
        Contexts of the same millisecond come with the higher id first. The selection applies before
        ``offset`` and ``limit``; ``total`` counts what matches without them. A project that does
        not exist has no contexts.

        Counting what carries any of several tags means looking at each: where these tags are
        used more than ``MAXIMUM_COUNTED`` times together, ``total`` is the number of uses of the
        most used one, and is not exact.
        """

    @abstractmethod
    def get(self, ids: Sequence[int], *, project: str | None) -> tuple[Context, ...]:
        """Return the contexts with these ids that are there, in the order of the ids.

        With ``project``, only contexts of that project.
        """

    @abstractmethod
    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        """Move a context to the trash, with its revisions; return the name of its project.

        In the trash it is as if it were not there: no other method but ``restore``,
        ``revisions``, ``revisions_of``, ``trash``, ``trash_after``, ``imported_origins``,
        ``rename_project`` and ``purge`` sees it, and it counts nowhere but in a ``summary``'s
        ``trash_count``. With
        ``permanently`` it is removed from the store, or from the trash, and can never be brought
        back. With ``project``, only a context of that project. Return None where there is no
        such context; nothing has changed then.
        """

    @abstractmethod
    def rename_project(self, old: str, new: str) -> int:
        """Move everything of a project to another one; return how many contexts moved.

        Contexts keep their ids, times, tags and revisions, and so does the trash, which is not
        counted. Where the other project exists, the two become one. It is as old as the older of
        both, and as new as the newer. Nothing is left of the old one; a save to it makes it anew.
        What is saved to it meanwhile moves as well or stays there.

        A store that cannot do all of it in one transaction does so context by context: each is
        in one project at any time, or on its way, where no call sees it. After a call that failed,
        the same call moves what is left, and what was on its way.
        """

    @abstractmethod
    def projects(self) -> tuple[Project, ...]:
        """Return the projects that hold contexts, the one saved to last first, then by name."""

    @abstractmethod
    def project(self, name: str) -> Project | None:
        """Return one project, or None where it holds no context."""

    @abstractmethod
    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return a project's tags with a minimum number of contexts, most used first.

        Tags that are used equally often come by name, in the order of their code points.
        ``total`` counts the tags that match without ``limit``.
        """

    @abstractmethod
    def summary(self, project: str | None) -> Summary:
        """Say how much a project holds, or the whole store.

        What is saved or forgotten meanwhile may be in it or not.
        """


class History(ABC):
    """Revisions of contexts, and the trash."""

    @abstractmethod
    def update(
        self,
        context_id: int,
        change: Change,
        *,
        project: str | None,
        last_changed: TimeSpan | None = None,
    ) -> UpdatedContext | None:
        """Change a context; return it as it is then, with the time of the change.

        Only what the change names becomes different. What the context was is kept as a revision;
        where nothing becomes different, nothing is kept and no time set. The time is the store's
        clock and later than that of every change before. With ``project``, only a context of
        that project. Return None where there is no such context.

        Raises:
            ContextChangedError: it was last changed at a time outside of ``last_changed``.
        """

    @abstractmethod
    def restore(
        self, context_id: int, *, project: str | None, revision: int | None = None
    ) -> Context | None:
        """Bring a context back from the trash as it was, with its id and times.

        With ``revision``, give a context the note that it had before that change, as an update
        does, in the trash or not. With ``project``, only a context of
        that project. Return None where there is no such context in the trash, or revision.
        """

    @abstractmethod
    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        """Return what a context was before its last changes, the newest first."""

    @abstractmethod
    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash, of one project or of all, the last forgotten first."""

    @abstractmethod
    def purge(self, *, before: datetime) -> int:
        """Remove for good what went to the trash before a time; return how many.

        Others get a turn in between: it may take as long as it needs.
        """


class Search(ABC):
    """Contexts by their words."""

    @abstractmethod
    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        """Return the contexts of a project that match a text best, as ``search.engine`` says.

        The same contexts give the same answer in every store, to the last tie. The selection
        means what it does in ``load``, and applies before anything is cut. A context is found from
        the moment it is saved, changed or restored, and no longer once it is forgotten. The text is
        words, never a syntax. No word or number of another project has any part in the answer.
        """

    @abstractmethod
    def index_newest(self, limit: int) -> int:
        """Index at most ``limit`` contexts that no search finds yet, the newest first.

        Return how many are left: such contexts were saved before there was an index, or before
        the analyzer became another one. Every other method serves meanwhile; several servers may
        call this at once, and one that was killed loses nothing that was done.
        """


class Transfer(ABC):
    """Contexts on their way from one store to another."""

    @abstractmethod
    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        """Store contexts of another store, each with the times it has; return how many are new.

        What a context was before is kept as its revisions, which count from 1. One that was
        forgotten there goes to the trash, since the time it was forgotten: it is as if it had
        been saved and forgotten here.

        One whose origin was imported before is left out, also where it has been forgotten since,
        or its project renamed. Ids rise in the order in which the contexts are given. Each is
        stored whole or not at all; after a call that failed, the same call stores what is
        missing.

        Raises:
            TimeRefusedError: one has a time out of the bounds of ``domain``; nothing was stored.
        """

    @abstractmethod
    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        """Return those of these origins that were imported before, and so are left out.

        Each with where its context is now: in which project, in the trash, or forgotten for good.
        """

    @abstractmethod
    def contexts_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[Context, ...]:
        """Return contexts with an id above ``after``, the lowest first.

        They are of all projects, or with ``projects`` of these. So a whole store is read in
        pieces, each as quickly as the first. Fewer than ``limit`` come at the end alone.
        """

    @abstractmethod
    def trash_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash with an id above ``after``, as ``contexts_after`` does."""

    @abstractmethod
    def revisions_of(
        self, ids: Sequence[int], *, projects: Collection[str] | None = None
    ) -> Mapping[int, tuple[Revision, ...]]:
        """Return what contexts were before each change, oldest first, in the trash or not.

        Only those of these ids are in it that were changed; with ``projects``, only contexts of
        these.
        """


class Upkeep(ABC):
    """The store itself: whether it is sound, and whether it is open."""

    @abstractmethod
    def check(self, tell: Tell) -> tuple[Finding, ...]:
        """Look through the whole store; return what does not fit together in it.

        Nothing is returned of a store that was only written by this product, at whatever moment
        a process or a machine was killed, but what a renaming that was killed left unfinished.
        Nothing is changed. Others may write meanwhile.
        """

    @abstractmethod
    def repair(self, findings: Sequence[Finding]) -> None:
        """Rebuild what is wrong by findings of ``check``, as far as it can be rebuilt.

        No context, no revision and nothing in the trash is changed or removed. A search index
        that is wrong is given up: ``index_newest`` makes it anew.
        """

    @property
    @abstractmethod
    def notice(self) -> str:
        """A sentence that the person should know about the store as it was opened, or "".

        It is shown where a load finds nothing.
        """

    @property
    @abstractmethod
    def is_quick(self) -> bool:
        """Whether a call that need not wait for others is served within milliseconds.

        So it may be made where waiting would hold up more than itself. Never so before the first
        use and after closing.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Open, make or upgrade the store now, so that the first call finds it ready."""

    @abstractmethod
    def close(self) -> None:
        """Release the store. A later call opens it again."""


class MemoryRepository(Contexts, History, Search, Transfer, Upkeep):
    """A store of contexts, kept apart by project.

    Names of projects and tags arrive normalised, importance within its bounds. One call is one
    transaction: all of it is stored or nothing. What a call returned is stored: it survives the
    process and is seen by every other repository on the same store. Calls may come from several
    threads and several processes at once.

    A project shares nothing with another: no context, no tag, no count.

    Every method raises ``StoreError`` where the store cannot serve it now. A store that is not
    there yet is made by the first call, and one of an earlier release is upgraded by it.
    """
