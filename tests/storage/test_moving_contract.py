"""What the contract promises to whoever moves a store, renames a project or counts its contexts."""

import threading
from dataclasses import replace
from datetime import date, datetime, timezone

import pytest

from extended_memory.domain import (
    Change,
    Context,
    ForgottenContext,
    PortableContext,
    Project,
    Summary,
    TagCount,
    TagPage,
)
from extended_memory.storage.contract import MemoryRepository
from tests.support.contract import Open, as_stored, foreign, load, save
from tests.support.moves import DAY, NOON, filled, held, renamed, revision, with_past
from tests.support.redis_calls import find


def stored(context: PortableContext, context_id: int) -> Context:
    return replace(as_stored(context, context_id), updated_at=context.updated_at)


def test_what_is_brought_keeps_the_time_of_its_last_change_and_what_it_was(
    repository: MemoryRepository,
) -> None:
    assert repository.add_imported([foreign(1), with_past(2)]) == 2
    first, second = repository.contexts_after(after=0, limit=9)
    assert second == stored(with_past(2), second.id)
    assert repository.revisions_of([first.id, second.id]) == {second.id: (revision(1), revision(2))}
    project = repository.project("alpha")
    assert project is not None
    assert project.last_saved_at == with_past(2).updated_at
    assert repository.restore(second.id, project=None, revision=1) is not None
    assert find(repository, "was").found[0].context.id == second.id


def test_revisions_that_are_brought_count_from_one(repository: MemoryRepository) -> None:
    counted_otherwise = tuple(replace(revision(n), number=6 + n) for n in (1, 2))
    repository.add_imported([with_past(1, revisions=counted_otherwise)])
    (context,) = repository.contexts_after(after=0, limit=9)
    assert repository.revisions_of([context.id]) == {context.id: (revision(1), revision(2))}
    updated = repository.update(context.id, Change(content="now"), project=None)
    assert updated is not None
    assert updated.revision == 3


def test_a_context_that_was_changed_without_a_trace_is_brought_so(
    repository: MemoryRepository,
) -> None:
    brought = with_past(1, revisions=())
    repository.add_imported([brought])
    (context,) = repository.contexts_after(after=0, limit=9)
    assert context == stored(brought, context.id)
    assert repository.revisions_of([context.id]) == {}


def test_what_was_forgotten_there_goes_to_the_trash_since_then(
    repository: MemoryRepository,
) -> None:
    save(repository, "kept", tags=("a",))
    before = load(repository), repository.popular_tags("alpha", minimum_count=1, limit=9)
    gone = with_past(1, forgotten_at=NOON + 5 * DAY, content="gone", tags=("a", "gone"))
    assert repository.add_imported([gone, replace(gone, origin="other", project="gone")]) == 2
    first, second = repository.trash_after(after=0, limit=9)
    assert first == ForgottenContext(
        context=stored(gone, first.context.id), forgotten_at=NOON + 5 * DAY
    )
    assert second.context.project == "gone"
    assert repository.project("gone") is None
    after = load(repository), repository.popular_tags("alpha", minimum_count=1, limit=9)
    assert after == before
    assert find(repository, "gone").total == 0
    assert repository.add_imported([gone]) == 0
    assert repository.restore(first.context.id, project=None) == first.context
    assert find(repository, "gone").found[0].context == first.context
    assert repository.revisions_of([first.context.id]) == {
        first.context.id: (revision(1), revision(2))
    }


def test_a_project_is_as_old_as_what_was_forgotten_there(repository: MemoryRepository) -> None:
    saved = save(repository, "now")
    repository.add_imported([with_past(1, forgotten_at=NOON + 5 * DAY)])
    assert repository.project("alpha") == Project(
        name="alpha", context_count=1, created_at=NOON, last_saved_at=saved.created_at
    )


def test_the_trash_that_was_brought_is_purged_by_its_own_time(
    repository: MemoryRepository,
) -> None:
    repository.add_imported(
        [with_past(number, forgotten_at=NOON + number * DAY) for number in range(4)]
    )
    assert repository.purge(before=NOON + 2 * DAY) == 2
    assert len(repository.trash_after(after=0, limit=9)) == 2
    assert repository.summary(None).revision_count == 4


def test_the_ids_of_contexts_and_of_trash_rise_together(repository: MemoryRepository) -> None:
    brought = [
        foreign(number, forgotten_at=NOON if number % 2 else None) for number in (5, 2, 8, 1, 3)
    ]
    repository.add_imported(brought)
    contexts, trash, _ = held(repository)
    ids = {context.note.content: context.id for context in contexts}
    ids |= {one.context.note.content: one.context.id for one in trash}
    assert [ids[context.note.content] for context in brought] == sorted(ids.values())


def test_the_trash_is_walked_in_pieces_by_rising_id(repository: MemoryRepository) -> None:
    saved = [save(repository, f"note {n}", project=f"p{n % 3}") for n in range(12)]
    for context in [saved[n] for n in (9, 1, 4, 11, 6)]:
        repository.forget(context.id, project=None)
    walked: list[ForgottenContext] = []
    while piece := repository.trash_after(after=walked[-1].context.id if walked else 0, limit=2):
        walked += piece
    assert [one.context for one in walked] == [saved[n] for n in (1, 4, 6, 9, 11)]
    assert {one.context.id: one for one in walked} == {
        one.context.id: one for one in repository.trash(project=None, limit=99)
    }
    assert repository.trash_after(after=saved[-1].id, limit=9) == ()


def test_a_trash_in_which_little_is_left_is_walked(repository: MemoryRepository) -> None:
    repository.add_imported([foreign(number, forgotten_at=NOON) for number in range(1_200)])
    for one in repository.trash_after(after=0, limit=1_199):
        if one.context.note.content not in ("note 7", "note 1003"):
            repository.forget(one.context.id, project=None, permanently=True)
    first, second, third = repository.trash_after(after=0, limit=9)
    contents = [one.context.note.content for one in (first, second, third)]
    assert contents == ["note 7", "note 1003", "note 1199"]
    assert repository.trash_after(after=first.context.id, limit=1) == (second,)


def test_only_what_was_changed_is_among_the_revised(repository: MemoryRepository) -> None:
    contexts = [save(repository, f"note {n}", project=f"p{n % 2}") for n in range(4)]
    for context in contexts[1:3]:
        repository.update(context.id, Change(content="changed"), project=None)
        repository.update(context.id, Change(content="again"), project=None)
    repository.forget(contexts[2].id, project=None)
    ids = [*(context.id for context in contexts), 10**6]
    revised = repository.revisions_of(ids)
    assert {
        context_id: [(past.number, past.note.content) for past in revisions]
        for context_id, revisions in revised.items()
    } == {
        contexts[1].id: [(1, "note 1"), (2, "changed")],
        contexts[2].id: [(1, "note 2"), (2, "changed")],
    }
    assert repository.revisions_of([]) == {}
    assert repository.revisions_of([contexts[0].id]) == {}


def test_only_what_is_of_some_projects_is_given_where_a_caller_names_them(
    repository: MemoryRepository,
) -> None:
    projects = ("alpha", "beta", "gamma")
    brought = [
        with_past(number, project=project, forgotten_at=NOON if number > 3 else None)
        for number, project in enumerate([*projects, *projects], start=1)
    ]
    assert repository.add_imported(brought) == 6
    contexts, trash = (
        repository.contexts_after(after=0, limit=9),
        repository.trash_after(after=0, limit=9),
    )
    ids = [context.id for context in contexts] + [one.context.id for one in trash]
    origins = [context.origin for context in brought]
    for some in ({"alpha"}, {"alpha", "gamma"}, {"nobody"}):
        here = tuple(context for context in contexts if context.project in some)
        gone = tuple(one for one in trash if one.context.project in some)
        held = {context.id for context in here} | {one.context.id for one in gone}
        assert repository.contexts_after(after=0, limit=9, projects=some) == here
        assert repository.contexts_after(after=0, limit=1, projects=some) == here[:1]
        assert repository.trash_after(after=0, limit=9, projects=some) == gone
        assert repository.revisions_of(ids, projects=some).keys() == held
        known = repository.imported_origins(origins)
        assert {origin for origin, one in known.items() if one.project in some} == {
            context.origin for context in brought if context.project in some
        }
    repository.forget(contexts[0].id, project=None, permanently=True)
    assert set(repository.imported_origins(origins)) == set(origins)


def test_a_renamed_project_is_the_same_under_another_name(repository: MemoryRepository) -> None:
    filled(repository, "alpha", "other")
    before, project, other = held(repository), repository.project("alpha"), "other"
    tags = repository.popular_tags("alpha", minimum_count=1, limit=99)
    summary, rest = repository.summary("alpha"), repository.summary(other)
    found = find(repository, "note word2 alpha", limit=99)
    assert project is not None
    assert repository.rename_project("alpha", "a}:{b") == project.context_count
    assert held(repository) == renamed(before, "alpha", "a}:{b")
    assert repository.project("a}:{b") == replace(project, name="a}:{b")
    assert repository.project("alpha") is None
    assert repository.popular_tags("a}:{b", minimum_count=1, limit=99) == tags
    assert repository.popular_tags("alpha", minimum_count=1, limit=99) == TagPage(tags=(), total=0)
    assert repository.summary("a}:{b") == summary
    assert repository.summary("alpha") == Summary()
    assert repository.summary(other) == rest
    again = find(repository, "note word2 alpha", project="a}:{b", limit=99)
    assert again == replace(
        found,
        found=tuple(
            replace(one, context=replace(one.context, project="a}:{b")) for one in found.found
        ),
    )
    assert find(repository, "note").total == 0


@pytest.mark.parametrize(("old", "new"), [("alpha", "beta"), ("beta", "alpha")])
def test_two_projects_become_one(
    repository: MemoryRepository, open_store: Open, old: str, new: str
) -> None:
    filled(repository, "alpha", "beta", "other")
    before, of_old, of_new = held(repository), repository.project(old), repository.project(new)
    rest = repository.summary("other"), find(repository, "note word1", project="other", limit=9)
    assert of_old is not None
    assert of_new is not None
    assert repository.rename_project(old, new) == of_old.context_count
    repository.close()
    after = open_store()
    assert held(after) == renamed(before, old, new)
    assert after.project(old) is None
    assert after.project(new) == Project(
        name=new,
        context_count=of_old.context_count + of_new.context_count,
        created_at=min(of_old.created_at, of_new.created_at),
        last_saved_at=max(of_old.last_saved_at, of_new.last_saved_at),
    )
    tags = after.popular_tags(new, minimum_count=1, limit=99).tags
    counted: dict[str, int] = {}
    for context in after.contexts_after(after=0, limit=999):
        for tag in context.note.tags if context.project == new else ():
            counted[tag] = counted.get(tag, 0) + 1
    assert {each.tag: each.count for each in tags} == counted
    assert tags[0] == TagCount(tag="a", count=of_old.context_count + of_new.context_count)
    assert find(after, "note", project=new, limit=99).total == counted["a"]
    of_alpha = find(after, "alpha", project=new, limit=99)
    assert {one.context.note.content.split()[3] for one in of_alpha.found} == {"alpha"}
    assert (after.summary("other"), find(after, "note word1", project="other", limit=9)) == rest


def test_what_moved_is_changed_forgotten_and_restored_as_ever(
    repository: MemoryRepository,
) -> None:
    filled(repository, "alpha", "beta")
    repository.rename_project("alpha", "beta")
    contexts, trash, _ = held(repository)
    first = contexts[0]
    updated = repository.update(first.id, Change(content="changed"), project="beta")
    assert updated is not None
    assert repository.get([first.id], project=None) == (updated.context,)
    assert repository.forget(first.id, project=None) == "beta"
    assert repository.restore(first.id, project="beta") == updated.context
    assert repository.restore(trash[0].context.id, project=None) == trash[0].context
    assert repository.forget(trash[0].context.id, project=None, permanently=True) == "beta"
    assert save(repository, "new", project="beta").id > contexts[-1].id


def test_a_project_can_be_saved_to_again_after_it_was_renamed(
    repository: MemoryRepository,
) -> None:
    filled(repository, "alpha")
    repository.rename_project("alpha", "beta")
    saved = save(repository, "again", tags=("a",))
    assert repository.project("alpha") == Project(
        name="alpha",
        context_count=1,
        created_at=saved.created_at,
        last_saved_at=saved.created_at,
    )
    assert find(repository, "again").found[0].context == saved
    assert repository.rename_project("beta", "alpha") == 24
    assert repository.rename_project("alpha", "beta") == 25


def test_a_save_repeats_what_moved(repository: MemoryRepository) -> None:
    saved = save(repository, "note", tags=("a",))
    repository.rename_project("alpha", "beta")
    assert save(repository, "note", project="beta", tags=("a",)).id == saved.id
    assert save(repository, "note", tags=("a",)).id > saved.id


def test_what_is_not_there_or_keeps_its_name_is_not_renamed(
    repository: MemoryRepository,
) -> None:
    assert repository.rename_project("alpha", "beta") == 0
    filled(repository, "alpha")
    before = held(repository), repository.projects()
    assert repository.rename_project("alpha", "alpha") == 0
    assert repository.rename_project("nobody", "alpha") == 0
    assert (held(repository), repository.projects()) == before


def test_a_trash_alone_moves_and_is_not_counted(repository: MemoryRepository) -> None:
    repository.add_imported([with_past(1, forgotten_at=NOON)])
    before = held(repository)
    assert repository.rename_project("alpha", "beta") == 0
    assert held(repository) == renamed(before, "alpha", "beta")
    assert repository.trash(project="beta", limit=9) == held(repository)[1]
    assert repository.trash(project="alpha", limit=9) == ()


def test_what_was_brought_and_renamed_is_not_brought_again(repository: MemoryRepository) -> None:
    repository.add_imported([foreign(1), with_past(2)])
    repository.rename_project("alpha", "beta")
    assert repository.add_imported([foreign(1), with_past(2)]) == 0
    assert repository.project("alpha") is None


def test_what_is_saved_while_its_project_is_renamed_is_never_lost(
    repository: MemoryRepository, open_store: Open
) -> None:
    repository.add_imported([foreign(number) for number in range(60)])
    saved: dict[int, Context] = {}
    changed: set[int] = set()
    ending = threading.Event()

    def work() -> None:
        own = open_store()
        while not ending.is_set():
            context = save(own, f"meanwhile {len(saved)}", tags=("a",))
            saved[context.id] = context
            if own.update(context.id, Change(importance=9), project=None) is not None:
                changed.add(context.id)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        moved = sum(repository.rename_project("alpha", "beta") for _ in range(5))
    finally:
        ending.set()
        worker.join()
    assert moved >= 60
    there = {context.id: context for context in repository.contexts_after(after=0, limit=9_999)}
    assert len(there) == 60 + len(saved)
    for context_id, context in saved.items():
        found = there[context_id]
        assert found.note.content == context.note.content
        assert context_id not in changed or found.note.importance == 9
        assert repository.get([context_id], project=found.project) == (found,)
    moved += repository.rename_project("alpha", "beta")
    assert moved == len(there)


def test_a_summary_says_how_much_there_is(repository: MemoryRepository) -> None:
    assert repository.summary(None) == repository.summary("alpha") == Summary()
    moments = (
        datetime(1970, 1, 1, tzinfo=timezone.utc),
        datetime(2024, 1, 7, 23, 59, 59, 999_000, tzinfo=timezone.utc),  # a Sunday
        datetime(2024, 1, 8, tzinfo=timezone.utc),
        datetime(2024, 1, 14, 12, tzinfo=timezone.utc),
    )
    repository.add_imported(
        [
            foreign(number, created_at=moment, content="ё\n" * (number + 1), importance=number + 3)
            for number, moment in enumerate(moments)
        ]
    )
    repository.add_imported([with_past(8, created_at=NOON, content="{}", importance=3)])
    repository.add_imported(
        [with_past(9, forgotten_at=NOON), foreign(10, project="beta", content="x")]
    )
    alpha = Summary(
        context_count=5,
        trash_count=1,
        revision_count=4,
        content_bytes=32,
        by_importance={3: 2, 4: 1, 5: 1, 6: 1},
        by_week=(
            (date(1969, 12, 29), 1),
            (date(2024, 1, 1), 1),
            (date(2024, 1, 8), 2),
            (date(2024, 2, 26), 1),
        ),
        oldest=moments[0],
        newest=NOON,
    )
    assert repository.summary("alpha") == alpha
    assert list(alpha.by_importance) == list(repository.summary("alpha").by_importance)
    assert repository.summary(None) == replace(
        alpha,
        context_count=6,
        content_bytes=33,
        by_importance={1: 1, 3: 2, 4: 1, 5: 1, 6: 1},
        by_week=(*alpha.by_week[:3], (date(2024, 2, 26), 2)),
    )
