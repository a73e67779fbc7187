"""The rules that the services put before a store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from extended_memory.access import Access
from extended_memory.domain import (
    EVERY_CONTEXT,
    Change,
    ContextPage,
    Note,
    PortableContext,
    Revision,
    Scope,
    SearchPage,
    Standing,
    Summary,
    TimeSpan,
)
from extended_memory.errors import ProjectRefusedError, ReadOnlyError, StoreError
from extended_memory.service import MemoryService
from extended_memory.storage.sqlite.repository import SqliteRepository
from extended_memory.store_service import StoreService

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)

MINE = Scope(projects=frozenset({"mine"}))
BOTH = Scope(projects=frozenset({"mine", "yours"}))
READ_ONLY = Scope(read_only=True)

Services = tuple[MemoryService, StoreService]


def imported(number: int, project: str, *, forgotten: bool = False) -> PortableContext:
    return PortableContext(
        origin=f"elsewhere:{number}",
        project=project,
        note=Note(content="gone" if forgotten else "kept", importance=9, tags=(project,)),
        created_at=NOON,
        updated_at=NOON + timedelta(days=1),
        revisions=(
            Revision(
                number=1,
                note=Note(content="was", importance=9),
                replaced_at=NOON + timedelta(days=1),
            ),
        ),
        forgotten_at=NOON + timedelta(days=2) if forgotten else None,
    )


HELD = [
    imported(2 * number + forgotten, project, forgotten=bool(forgotten))
    for number, project in enumerate(("mine", "yours", "other"))
    for forgotten in (0, 1)
]
"""Of each project one that is there and one in the trash: of "mine" #1 and #2, and so on."""


@pytest.fixture
def serve(place: Path) -> Iterator[Callable[[Scope], Services]]:
    """Give the services of one store in a scope."""
    opened: list[Access] = []
    with closing(SqliteRepository(place)) as repository:
        assert repository.add_imported(HELD) == 6

    def services(scope: Scope) -> Services:
        opened.append(Access(lambda: SqliteRepository(place), scope=scope))
        return MemoryService(opened[-1]), StoreService(opened[-1])

    yield services
    for access in opened:
        access.close()


@pytest.fixture
def pinned(serve: Callable[[Scope], Services]) -> MemoryService:
    return serve(MINE)[0]


def test_a_pin_hides_what_others_hold(pinned: MemoryService) -> None:
    assert [one.context.project for one in pinned.trash(limit=9)] == ["mine"]
    assert (pinned.summary().context_count, pinned.summary().trash_count) == (1, 1)
    assert pinned.summary() == pinned.summary("mine") != Summary()
    for ask in (lambda: pinned.trash(project="other", limit=9), lambda: pinned.summary("other")):
        with pytest.raises(ProjectRefusedError):
            ask()


@pytest.mark.parametrize(("old", "new"), [("mine", "other"), ("other", "mine"), ("mine", "new")])
def test_a_pinned_project_is_not_renamed(pinned: MemoryService, old: str, new: str) -> None:
    with pytest.raises(ProjectRefusedError):
        pinned.rename_project(old, new)
    assert pinned.summary().context_count == 1


NOTE = Note(content="new", importance=5)

ON_A_PROJECT: dict[str, Callable[[MemoryService, str], object]] = {
    "save": lambda memory, project: memory.save(project, NOTE),
    "load": lambda memory, project: memory.load(project, EVERY_CONTEXT, limit=9),
    "search": lambda memory, project: memory.search(
        project, "kept", EVERY_CONTEXT, limit=9, offset=0
    ),
    "get": lambda memory, project: memory.get([1], project=project),
    "update": lambda memory, project: memory.update(1, Change(importance=1), project=project),
    "forget": lambda memory, project: memory.forget(1, project=project),
    "restore": lambda memory, project: memory.restore(2, project=project),
    "revisions": lambda memory, project: memory.revisions(1, project=project, limit=9),
    "trash": lambda memory, project: memory.trash(project=project, limit=9),
    "rename": lambda memory, project: memory.rename_project(project, "mine"),
    "summary": lambda memory, project: memory.summary(project),
    "opening": lambda memory, project: memory.opening(project),
    "opening tags": lambda memory, project: memory.opening_tags(project),
    "popular tags": lambda memory, project: memory.popular_tags(project, minimum_count=1, limit=9),
}
"""Every method that takes a project."""


@pytest.mark.parametrize("call", ON_A_PROJECT.values(), ids=ON_A_PROJECT)
def test_a_call_on_a_project_outside_of_the_scope_is_refused(
    serve: Callable[[Scope], Services], call: Callable[[MemoryService, str], object]
) -> None:
    for scope, sentence in (
        (
            MINE,
            'This server is pinned to the project "mine": leave project_id out or give that one; '
            'given: "other".',
        ),
        (
            BOTH,
            'This server serves the projects "mine", "yours": give one of them as project_id; '
            'given: "other".',
        ),
    ):
        memory, _ = serve(scope)
        with pytest.raises(ProjectRefusedError) as refused:
            call(memory, "other")
        assert str(refused.value) == sentence


@pytest.mark.parametrize("call", ON_A_PROJECT.values(), ids=ON_A_PROJECT)
def test_of_several_projects_a_call_names_one(
    serve: Callable[[Scope], Services], call: Callable[[MemoryService, str], object]
) -> None:
    memory, _ = serve(BOTH)
    with pytest.raises(ProjectRefusedError) as refused:
        call(memory, "")
    assert str(refused.value) == (
        'This server serves the projects "mine", "yours": give one of them as project_id.'
    )
    call(memory, "yours")


@pytest.mark.parametrize("scope", [MINE, BOTH], ids=["one", "several"])
def test_no_method_gives_what_is_outside_of_the_scope(
    serve: Callable[[Scope], Services], scope: Scope
) -> None:
    memory, store = serve(scope)
    projects = scope.projects or frozenset()
    held = [each for each in HELD if each.project in projects]
    contexts = store.contexts_after(after=0, limit=9)
    trash = store.trash_after(after=0, limit=9)
    assert [each.project for each in contexts] == [each.project for each in held[::2]]
    assert [each.context.project for each in trash] == [each.project for each in held[1::2]]
    assert store.contexts_after(after=contexts[-1].id, limit=9) == ()
    assert store.get(range(1, 7)) == contexts
    assert set(store.revisions_of(range(1, 7))) == set(range(1, len(held) + 1))
    assert store.imported_origins([each.origin for each in HELD]) == {
        each.origin: Standing(
            place="contexts" if each.forgotten_at is None else "trash", project=each.project
        )
        if each in held
        else None
        for each in HELD
    }
    assert store.context_count() == len(contexts)
    assert {each.name for each in memory.projects()} == projects
    assert {each.project for each in memory.most_important()} == projects
    for project in projects:
        assert memory.opening(project).context_count == 1
        for after in (store.contexts_after, store.trash_after):
            assert len(after(after=0, limit=9, project=project)) == 1


def test_what_is_walked_through_or_imported_is_of_the_scope(
    serve: Callable[[Scope], Services],
) -> None:
    _, store = serve(BOTH)
    for ask in (
        lambda: store.contexts_after(after=0, limit=9, project="other"),
        lambda: store.trash_after(after=0, limit=9, project="other"),
        lambda: store.context_count("other"),
        lambda: store.saved_within("other", TimeSpan(), limit=9),
        lambda: store.add_imported([imported(7, "mine"), imported(8, "other")]),
    ):
        with pytest.raises(ProjectRefusedError, match="other"):
            ask()
    assert store.context_count() == 2  # of the two that were to be imported neither is there
    assert store.add_imported([imported(7, "mine"), imported(8, "yours")]) == 2


CHANGES: dict[str, Callable[[MemoryService, StoreService], object]] = {
    "save": lambda memory, _: memory.save("mine", NOTE),
    "update": lambda memory, _: memory.update(1, Change(importance=1)),
    "forget": lambda memory, _: memory.forget(1),
    "restore": lambda memory, _: memory.restore(2),
    "rename": lambda memory, _: memory.rename_project("mine", "yours"),
    "import": lambda _, store: store.add_imported([imported(7, "mine")]),
    "index": lambda _, store: store.index_newest(9),
    "purge": lambda _, store: store.purge(),
    "repair": lambda _, store: store.repair([]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_is_changed_where_the_memory_may_only_be_read(
    serve: Callable[[Scope], Services],
    change: Callable[[MemoryService, StoreService], object],
) -> None:
    memory, store = serve(READ_ONLY)
    before = store.contexts_after(after=0, limit=9), store.trash_after(after=0, limit=9)
    with pytest.raises(ReadOnlyError) as refused:
        change(memory, store)
    assert str(refused.value) == (
        "This server may only read the memory, so nothing was changed: make the change with one "
        "that may write."
    )
    assert before == (store.contexts_after(after=0, limit=9), store.trash_after(after=0, limit=9))
    assert isinstance(memory.load("mine", EVERY_CONTEXT, limit=9), ContextPage)
    assert isinstance(memory.search("mine", "x", EVERY_CONTEXT, limit=9, offset=0), SearchPage)


def test_a_scope_without_a_project_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Scope(projects=frozenset())


def test_services_that_share_an_access_end_together(place: Path) -> None:
    ending = threading.Event()
    access = Access(lambda: SqliteRepository(place), ending=ending)
    with closing(access):
        StoreService(access).prepare()
        assert MemoryService(access).is_quick
        ending.set()
        for ask in (StoreService(access).context_count, MemoryService(access).projects):
            with pytest.raises(StoreError, match="ending"):
                ask()
