"""What a repository promises, in prose; each sentence is a test that runs on every backend."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import timedelta

from extended_memory.domain import Context, ContextPage, ForeignContext, Project, TagPage

MAY_WAIT: ContextVar[bool] = ContextVar("MAY_WAIT", default=True)
"""Whether a call may wait for other writers.

If not, one that would have to wait raises ``StoreBusyError`` and has changed nothing.
"""


MAXIMUM_REPEAT_WINDOW = timedelta(hours=1)
"""How far back a save can be asked to look for one that it repeats."""

MAXIMUM_COUNTED = 1_000
"""How many contexts are counted one by one where several tags are asked for."""


class MemoryRepository(ABC):
    """A store of contexts, kept apart by project.

    Names of projects and tags arrive normalised, importance within its bounds. One call is one
    transaction: all of it is stored or nothing. What a call returned is stored: it survives the
    process and is seen by every other repository on the same store. Calls may come from several
    threads and several processes at once.

    A project shares nothing with another: no context, no tag, no count.

    Every method raises ``StoreError`` where the store cannot serve it now. A store that is not
    there yet is made by the first call, and one of an earlier release is upgraded by it.
    """

    @abstractmethod
    def save(
        self,
        project: str,
        content: str,
        *,
        importance: int,
        tags: tuple[str, ...],
        repeat_within: timedelta,
    ) -> Context:
        """Store a context and return it with its id and time.

        The content is kept byte for byte. An id is a positive integer that was never used
        before, in any project, not even by a context that has been forgotten. The time is the
        store's clock in UTC, to the millisecond. A project that does not exist begins to.

        A save that repeats one of the last ``repeat_within`` (same project, content, importance
        and tags) stores nothing and returns the context of then, the newest if there are several.
        The window is at most ``MAXIMUM_REPEAT_WINDOW``.
        """

    @abstractmethod
    def bring(self, contexts: Sequence[ForeignContext]) -> int:
        """Store contexts of another store, each with the time it has; return how many are new.

        One whose origin was brought before is left out, also where it has been forgotten since.
        Ids rise in the order in which the contexts are given. Each is stored whole or not at
        all; after a call that failed, the same call stores what is missing.
        """

    @abstractmethod
    def load(
        self,
        project: str,
        *,
        minimum_importance: int,
        tags: tuple[str, ...],
        limit: int,
        offset: int,
    ) -> ContextPage:
        """Return a project's contexts of at least this importance, newest first.

        With ``tags``, only contexts that carry any of them; one that carries several comes once.
        Contexts of the same millisecond come with the higher id first. Filters apply before
        ``offset`` and ``limit``; ``total`` counts what matches without them. A project that does
        not exist has no contexts.

        Counting what carries any of several tags means looking at each: where these tags are
        used more than ``MAXIMUM_COUNTED`` times together, ``total`` is the number of uses of the
        most used one, and is not exact.
        """

    @abstractmethod
    def walk(self, *, after: int, limit: int) -> tuple[Context, ...]:
        """Return contexts of all projects with an id above ``after``, the lowest first.

        So a whole store is read in pieces, each as quickly as the first. Fewer than ``limit``
        come at the end alone.
        """

    @abstractmethod
    def forget(self, context_id: int, *, project: str | None) -> str | None:
        """Remove a context with its links and counts; return the name of its project.

        With ``project``, only a context of that project. Return None where there is no such
        context; nothing has changed then.
        """

    @abstractmethod
    def projects(self) -> tuple[Project, ...]:
        """Return the projects that hold contexts, the one saved to last first, then by name."""

    @abstractmethod
    def project(self, name: str) -> Project | None:
        """Return one project, or None where it holds no context."""

    @abstractmethod
    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return a project's tags that at least so many contexts carry, most used first.

        Tags that are used equally often come by name, in the order of their code points.
        ``total`` counts the tags that match without ``limit``.
        """

    @property
    @abstractmethod
    def notice(self) -> str:
        """A sentence that the person should know about the store as it was opened, or "".

        It is shown where a load finds nothing.
        """

    @property
    @abstractmethod
    def answers_at_once(self) -> bool:
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
