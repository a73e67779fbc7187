"""The rules that hold on every backend and behind every interface."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from extended_memory import custom_instructions
from extended_memory.access import Access
from extended_memory.domain import (
    DEFAULT_TRASH_DAYS,
    Change,
    Context,
    ContextPage,
    ForgottenContext,
    Note,
    Opening,
    Project,
    Revision,
    SearchPage,
    Selection,
    Summary,
    TagCount,
    TagPage,
    TimeSpan,
    UpdatedContext,
)
from extended_memory.storage.contract import MemoryRepository

RETRY_WINDOW = timedelta(minutes=10)
"""Clients retry a call whose answer they lost; within this time a repeated save is that."""

OPENING_TAGS = 10
OVERVIEW_PROJECTS = 10
OVERVIEW_CONTEXTS = 10
OVERVIEW_IMPORTANCE = 7
SHOWN_REVISIONS = 20


class MemoryService:
    """The memory that tools and commands use. Project names arrive normalised, "" for none.

    No method shows or changes anything outside of its scope.
    """

    def __init__(
        self,
        access: Access,
        *,
        custom_instructions: Path | None = None,
        trash_days: int = DEFAULT_TRASH_DAYS,
    ) -> None:
        self._access = access
        self._custom_instructions = custom_instructions
        self.scope = access.scope
        self.trash_days = trash_days
        """How long what is forgotten can be restored; 0 for not at all."""

    @property
    def _repository(self) -> MemoryRepository:
        return self._access.repository

    @property
    def is_quick(self) -> bool:
        """Whether a call that need not wait for others is served within milliseconds."""
        return self._access.is_quick

    @property
    def notice(self) -> str:
        """A notice about the store for the person, as it was opened, or ""."""
        return self._repository.notice

    def project_for(self, name: str) -> str:
        """Return the project that a call works on.

        Raises:
            ProjectRefusedError: it is not in the scope, or there are several to name one of.
        """
        return self.scope.project_for(name)

    def save(self, project: str, note: Note) -> Context:
        """Store a context; a repetition within the retry window answers the one of then."""
        return self._access.writable_repository.save(
            self.project_for(project), note, repeat_within=RETRY_WINDOW
        )

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

    def get(self, ids: Sequence[int], *, project: str = "") -> tuple[Context, ...]:
        """Return contexts by their ids, as far as they are to be seen from here.

        As in the other methods that take ids: without a project, a context of any is found where
        the scope is all of them, and a scope of several refuses the call.
        """
        return self._repository.get(ids, project=self.scope.within(project))

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
        return self._access.writable_repository.update(
            context_id, change, project=self.scope.within(project), last_changed=last_changed
        )

    def forget(
        self, context_id: int, *, project: str = "", permanently: bool = False
    ) -> str | None:
        """Move a context to the trash, or remove it; return its project, or None."""
        return self._access.writable_repository.forget(
            context_id,
            project=self.scope.within(project),
            permanently=permanently or not self.trash_days,
        )

    def restore(
        self, context_id: int, *, project: str = "", revision: int | None = None
    ) -> Context | None:
        """Bring a context back from the trash, or an earlier text of it."""
        return self._access.writable_repository.restore(
            context_id, project=self.scope.within(project), revision=revision
        )

    def revisions(self, context_id: int, *, project: str = "", limit: int) -> tuple[Revision, ...]:
        """Return what a context was before its last changes, the newest first."""
        return self._repository.revisions(
            context_id, project=self.scope.within(project), limit=limit
        )

    def trash(self, *, project: str = "", limit: int) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash, the last forgotten first."""
        return self._repository.trash(project=self.scope.within(project), limit=limit)

    def rename_project(self, old: str, new: str) -> int:
        """Move everything of a project to another one; return how many contexts moved.

        Raises:
            ProjectRefusedError: one of both is not in the scope.
        """
        return self._access.writable_repository.rename_project(
            self.project_for(old), self.project_for(new)
        )

    def summary(self, project: str = "") -> Summary:
        """Say how much a project holds; without one, all that is to be seen from here."""
        return self._repository.summary(self.scope.within(project))

    def projects(self) -> tuple[Project, ...]:
        """Return the projects of the scope that hold contexts, the last used first."""
        if self.scope.pinned is not None:
            project = self._repository.project(self.scope.pinned)
            return () if project is None else (project,)
        held = self._repository.projects()
        some = self.scope.projects
        return held if some is None else tuple(each for each in held if each.name in some)

    def opening(self, project: str) -> Opening:
        """Return what the first load of a conversation brings besides contexts."""
        project = self.project_for(project)
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

    def close(self) -> None:
        """Release the store."""
        self._access.close()
