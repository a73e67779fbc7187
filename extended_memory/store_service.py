"""A store as a whole, for whoever moves it, mends it or keeps it in order: what no tool reaches."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from extended_memory.access import Access
from extended_memory.domain import (
    DEFAULT_TRASH_DAYS,
    Context,
    ContextPage,
    ForgottenContext,
    PortableContext,
    Revision,
    Selection,
    Standing,
    TimeSpan,
    require_clock,
)
from extended_memory.flaws import Finding
from extended_memory.storage.contract import Tell


class StoreService:
    """The store behind a memory. Project names arrive normalised, "" for none.

    No method gives or adds a context outside of its scope. Upkeep (index, check, repair, purge)
    is of the whole store, and gives nothing but numbers.
    """

    def __init__(self, access: Access, *, trash_days: int = DEFAULT_TRASH_DAYS) -> None:
        self._access = access
        self._trash_days = trash_days
        self.scope = access.scope

    @property
    def notice(self) -> str:
        """A notice about the store for the person, as it was opened, or ""."""
        return self._access.repository.notice

    def prepare(self) -> None:
        """Open the store now, so that the first call finds it ready."""
        self._access.repository.prepare()

    def close(self) -> None:
        """Release the store."""
        self._access.close()

    def context_count(self, project: str = "") -> int:
        """Return how many contexts there are, in one project or in all of the scope."""
        some = self.scope.among(project)
        held = self._access.repository.projects()
        return sum(each.context_count for each in held if some is None or each.name in some)

    def get(self, ids: Sequence[int]) -> tuple[Context, ...]:
        """Return the contexts with these ids, as far as they are in the scope."""
        some = self.scope.projects
        held = self._access.repository.get(ids, project=self.scope.pinned)
        return tuple(each for each in held if some is None or each.project in some)

    def contexts_after(self, *, after: int, limit: int, project: str = "") -> tuple[Context, ...]:
        """Return contexts by rising id, of one project or of all in the scope."""
        return self._access.repository.contexts_after(
            after=after, limit=limit, projects=self.scope.among(project)
        )

    def trash_after(
        self, *, after: int, limit: int, project: str = ""
    ) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash by rising id, as ``contexts_after`` does."""
        return self._access.repository.trash_after(
            after=after, limit=limit, projects=self.scope.among(project)
        )

    def saved_within(self, project: str, span: TimeSpan, *, limit: int) -> ContextPage:
        """Return the contexts of one project that were saved within a time, newest first."""
        return self._access.repository.load(
            self.scope.project_for(project), Selection(span=span), limit=limit, offset=0
        )

    def revisions_of(self, ids: Sequence[int]) -> Mapping[int, tuple[Revision, ...]]:
        """Return what contexts in the scope were before, oldest first, of those changed."""
        return self._access.repository.revisions_of(ids, projects=self.scope.projects)

    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing | None]:
        """Return those of these origins that ``add_imported`` leaves out, as imported before.

        Each with where its context is now, None where that is outside of the scope.
        """
        some = self.scope.projects
        known = self._access.repository.imported_origins(origins)
        return {
            origin: standing if some is None or standing.project in some else None
            for origin, standing in known.items()
        }

    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        """Store contexts of another store, each once; return how many are new.

        Raises:
            ProjectRefusedError: one is of a project outside of the scope; none is stored then.
        """
        some = self.scope.projects
        outside = {each.project for each in contexts} - some if some is not None else set()
        if outside:
            raise self.scope.refusal(min(outside))
        return self._access.writable_repository.add_imported(contexts)

    def index_newest(self, limit: int) -> int:
        """Index contexts that no search finds yet; return how many are left."""
        return self._access.writable_repository.index_newest(limit)

    def purge(self) -> int:
        """Remove for good what is in the trash for longer than it is kept there.

        Raises:
            StoreError: the clock is wrong, and would have all of it removed.
        """
        now = require_clock(datetime.now(timezone.utc))
        return self._access.writable_repository.purge(before=now - timedelta(days=self._trash_days))

    def check(self, tell: Tell) -> tuple[Finding, ...]:
        """Look through the whole store; return what does not fit together."""
        return self._access.repository.check(tell)

    def repair(self, findings: Sequence[Finding]) -> None:
        """Rebuild what is wrong, as far as it can be rebuilt."""
        self._access.writable_repository.repair(findings)
