"""A store that is not there yet, to be read: it holds nothing, and nothing can be put in it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from typing_extensions import override

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
from extended_memory.errors import (
    StoreError,
)
from extended_memory.flaws import Finding
from extended_memory.storage.contract import MemoryRepository, Tell


class EmptyRepository(MemoryRepository):
    """A repository in which nothing was ever saved."""

    @override
    def save(
        self,
        project: str,
        note: Note,
        *,
        repeat_within: timedelta,
    ) -> Context:
        _refuse()

    @override
    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        _refuse()

    @override
    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        return {}

    @override
    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        return ContextPage(contexts=(), total=0)

    @override
    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        return SearchPage()

    @override
    def index_newest(self, limit: int) -> int:
        return 0

    @override
    def get(self, ids: Sequence[int], *, project: str | None) -> tuple[Context, ...]:
        return ()

    @override
    def contexts_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[Context, ...]:
        return ()

    @override
    def trash_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[ForgottenContext, ...]:
        return ()

    @override
    def revisions_of(
        self, ids: Sequence[int], *, projects: Collection[str] | None = None
    ) -> dict[int, tuple[Revision, ...]]:
        return {}

    @override
    def rename_project(self, old: str, new: str) -> int:
        return 0

    @override
    def summary(self, project: str | None) -> Summary:
        return Summary()

    @override
    def update(
        self,
        context_id: int,
        change: Change,
        *,
        project: str | None,
        last_changed: TimeSpan | None = None,
    ) -> UpdatedContext | None:
        return None

    @override
    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        return None

    @override
    def restore(
        self, context_id: int, *, project: str | None, revision: int | None = None
    ) -> Context | None:
        return None

    @override
    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        return ()

    @override
    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        return ()

    @override
    def purge(self, *, before: datetime) -> int:
        return 0

    @override
    def projects(self) -> tuple[Project, ...]:
        return ()

    @override
    def project(self, name: str) -> Project | None:
        return None

    @override
    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        return TagPage(tags=(), total=0)

    @override
    def check(self, tell: Tell) -> tuple[Finding, ...]:
        return ()

    @override
    def repair(self, findings: Sequence[Finding]) -> None:
        return

    @property
    @override
    def notice(self) -> str:
        return ""

    @property
    @override
    def is_quick(self) -> bool:
        return True

    @override
    def prepare(self) -> None:
        return

    @override
    def close(self) -> None:
        return


def _refuse() -> NoReturn:
    raise StoreError("There is no memory to save in.", remedy="a server makes one at its start.")
