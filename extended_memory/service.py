"""The rules that hold on every backend and behind every interface."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from extended_memory import custom_instructions
from extended_memory.domain import (
    DEFAULT_PROJECT,
    DEFAULT_TRASH_DAYS,
    Change,
    Context,
    ContextPage,
    Finding,
    ForgottenContext,
    Note,
    Opening,
    PortableContext,
    Project,
    ProjectRefusedError,
    Revision,
    SearchPage,
    Selection,
    Standing,
    StoreError,
    Summary,
    TagCount,
    TagPage,
    TimeSpan,
    UpdatedContext,
    require_clock,
)
from extended_memory.shutdown import REFUSAL
from extended_memory.storage.contract import MemoryRepository, Tell

RETRY_WINDOW = timedelta(minutes=10)
"""Clients retry a call whose answer they lost; within this time a repeated save is that."""

OPENING_TAGS = 10
OVERVIEW_PROJECTS = 10
OVERVIEW_CONTEXTS = 10
OVERVIEW_IMPORTANCE = 7
SHOWN_REVISIONS = 20


class MemoryService:
    """A memory, perhaps pinned to one project. Project names arrive normalised, "" for none.

    Once ``ending`` is set, no call begins any more: it is refused instead of being cut short.
    """

    def __init__(
        self,
        open_repository: Callable[[], MemoryRepository],
        *,
        pinned: str | None = None,
        custom_instructions: Path | None = None,
        ending: threading.Event | None = None,
        trash_days: int = DEFAULT_TRASH_DAYS,
    ) -> None:
        self._open_repository = open_repository
        self._opening = threading.Lock()
        self._opened: MemoryRepository | None = None
        self._ending = ending or threading.Event()
        self._custom_instructions = custom_instructions
        self.pinned = pinned
        self.trash_days = trash_days
        """How long what is forgotten can be restored; 0 for not at all."""

    @property
    def _repository(self) -> MemoryRepository:
        if self._ending.is_set():
            raise StoreError(REFUSAL)
        # Not at start: importing a backend's libraries would hold up the handshake.
        with self._opening:
            if self._opened is None:
                self._opened = self._open_repository()
            return self._opened

    @property
    def is_quick(self) -> bool:
        """Whether a call that need not wait for others is served within milliseconds."""
        return self._opened is not None and self._opened.is_quick

    @property
    def notice(self) -> str:
        """What the person should know about the store as it was opened, or ""."""
        return self._repository.notice

    def project_for(self, name: str) -> str:
        """Return the project that a call works on.

        Raises:
            ProjectRefusedError: the server is pinned to another one.
        """
        if self.pinned is not None and name not in ("", self.pinned):
            raise ProjectRefusedError(
                f'This server is pinned to the project "{self.pinned}": leave project_id out or '
                f'give that one; given: "{name}".'
            )
        return name or self.pinned or DEFAULT_PROJECT

    def save(self, project: str, note: Note) -> Context:
        """Store a context; a repetition within the retry window answers the one of then."""
        return self._repository.save(self.project_for(project), note, repeat_within=RETRY_WINDOW)

    def load(
        self, project: str, selection: Selection, *, limit: int, offset: int = 0
    ) -> ContextPage:
        """Return contexts of one project, newest first."""
        return self._repository.load(
            self.project_for(project), selection, limit=limit, offset=offset
        )

    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        """Return the contexts of one project that match a text best."""
        return self._repository.search(
            self.project_for(project), text, selection, limit=limit, offset=offset
        )

    def index_newest(self, limit: int) -> int:
        """Index contexts that no search finds yet; return how many are left."""
        return self._repository.index_newest(limit)

    def check(self, tell: Tell) -> tuple[Finding, ...]:
        """Look through the whole store, also where pinned; return what does not fit together."""
        return self._repository.check(tell)

    def repair(self, findings: Sequence[Finding]) -> None:
        """Rebuild what is wrong, as far as it can be rebuilt."""
        self._repository.repair(findings)

    def get(self, ids: Sequence[int], *, project: str = "") -> tuple[Context, ...]:
        """Return contexts by their ids, as far as they are to be seen from here.

        As in the other methods that take ids: without a project, a server that is not pinned
        finds a context in any.
        """
        return self._repository.get(ids, project=self._within(project))

    def update(
        self,
        context_id: int,
        change: Change,
        *,
        project: str = "",
        last_changed: TimeSpan | None = None,
    ) -> UpdatedContext | None:
        """Change a context; return it, or None where it is not to be seen from here.

        Raises:
            ContextChangedError: it was last changed at another time.
        """
        return self._repository.update(
            context_id, change, project=self._within(project), last_changed=last_changed
        )

    def forget(
        self, context_id: int, *, project: str = "", permanently: bool = False
    ) -> str | None:
        """Move a context to the trash, or remove it; return its project, or None."""
        return self._repository.forget(
            context_id,
            project=self._within(project),
            permanently=permanently or not self.trash_days,
        )

    def restore(
        self, context_id: int, *, project: str = "", revision: int | None = None
    ) -> Context | None:
        """Bring a context back from the trash, or an earlier text of it."""
        return self._repository.restore(
            context_id, project=self._within(project), revision=revision
        )

    def revisions(self, context_id: int, *, project: str = "", limit: int) -> tuple[Revision, ...]:
        """Return what a context was before its last changes, the newest first."""
        return self._repository.revisions(context_id, project=self._within(project), limit=limit)

    def trash(self, *, project: str = "", limit: int) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash, the last forgotten first."""
        return self._repository.trash(project=self._within(project), limit=limit)

    def purge(self) -> int:
        """Remove for good what is in the trash for longer than it is kept there.

        Raises:
            StoreError: the clock is wrong, and would have all of it removed.
        """
        now = require_clock(datetime.now(timezone.utc))
        return self._repository.purge(before=now - timedelta(days=self.trash_days))

    def _within(self, project: str) -> str | None:
        return self.project_for(project) if project or self.pinned else None

    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        """Store contexts of another store, each once; return how many are new."""
        return self._repository.add_imported(contexts)

    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        """Return those of these origins that were imported before, with where they are now."""
        return self._repository.imported_origins(origins)

    def contexts_after(self, *, after: int, limit: int) -> tuple[Context, ...]:
        """Return contexts of all projects by rising id, for a person who moves a store."""
        return self._repository.contexts_after(after=after, limit=limit)

    def trash_after(self, *, after: int, limit: int) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash of all projects by rising id, as ``contexts_after`` does."""
        return self._repository.trash_after(after=after, limit=limit)

    def revisions_of(self, ids: Sequence[int]) -> Mapping[int, tuple[Revision, ...]]:
        """Return what contexts of any project were before, oldest first, of those changed."""
        return self._repository.revisions_of(ids)

    def rename_project(self, old: str, new: str) -> int:
        """Move everything of a project to another one; return how many contexts moved.

        Raises:
            ProjectRefusedError: the server is pinned, so at most one of both is to be seen.
        """
        return self._repository.rename_project(self.project_for(old), self.project_for(new))

    def summary(self, project: str = "") -> Summary:
        """Say how much a project holds; without one, all that is to be seen from here."""
        return self._repository.summary(self._within(project))

    def projects(self) -> tuple[Project, ...]:
        """Return the projects that hold contexts, the last used first; of a pin, that alone."""
        if self.pinned is None:
            return self._repository.projects()
        project = self._repository.project(self.pinned)
        return () if project is None else (project,)

    def opening(self, project: str) -> Opening:
        """Return what the first load of a conversation brings besides contexts."""
        held = self._repository.project(project)
        return Opening(
            instructions=custom_instructions.read(self._custom_instructions),
            popular_tags=self.opening_tags(project),
            context_count=0 if held is None else held.context_count,
            notice=self.notice,
        )

    def opening_tags(self, project: str) -> tuple[TagCount, ...]:
        """Return the few most used tags of a project, to filter by."""
        return self.popular_tags(project, minimum_count=1, limit=OPENING_TAGS).tags

    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return the most used tags of one project."""
        return self._repository.popular_tags(
            self.project_for(project), minimum_count=minimum_count, limit=limit
        )

    def most_important(self) -> tuple[Context, ...]:
        """Return the most important recent contexts of the projects used last."""
        contexts = [
            context
            for project in self.projects()[:OVERVIEW_PROJECTS]
            for context in self.load(
                project.name,
                Selection(minimum_importance=OVERVIEW_IMPORTANCE),
                limit=OVERVIEW_CONTEXTS,
            ).contexts
        ]
        contexts.sort(
            key=lambda context: (context.note.importance, context.created_at), reverse=True
        )
        return tuple(contexts[:OVERVIEW_CONTEXTS])

    def prepare(self) -> None:
        """Open the store now, so that the first call finds it ready."""
        self._repository.prepare()

    def close(self) -> None:
        """Release the store."""
        if self._opened is not None:
            self._opened.close()
