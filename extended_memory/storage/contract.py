"""What a repository promises, in prose; each sentence is a test that runs on every backend."""

from abc import ABC, abstractmethod
from contextvars import ContextVar
from datetime import timedelta

from extended_memory.domain import Context, ContextPage, Project, TagPage

MAY_WAIT: ContextVar[bool] = ContextVar("MAY_WAIT", default=True)
"""Whether a call may wait for other writers.

If not, one that would have to wait raises ``StoreBusyError`` and has changed nothing.
"""


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
        and tags) stores nothing and returns the context of then.
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
    def is_open(self) -> bool:
        """Whether a call that need not wait for others is served within milliseconds.

        So it may be made where waiting would hold up more than itself.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Open, make or upgrade the store now, so that the first call finds it ready."""

    @abstractmethod
    def close(self) -> None:
        """Release the store. A later call opens it again."""
