"""What the storage contract says of changes, revisions and the trash, on every backend."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from extended_memory.domain import (
    Change,
    Context,
    ContextChangedError,
    ContextPage,
    ForgottenContext,
    Note,
    Project,
    Revision,
    TagCount,
    TimeSpan,
)
from extended_memory.storage.contract import MemoryRepository
from tests.support.contract import Open, everything, foreign, load, save

EVER = datetime(2200, 1, 1, tzinfo=timezone.utc)


def change(repository: MemoryRepository, context: Context, **changes: Any) -> Context:
    changed = repository.update(context.id, Change(**changes), project=None)
    assert changed is not None
    return changed.context


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"content": "new ё\0"}, {"content": "new ё\0"}),
        ({"importance": 2}, {"importance": 2}),
        ({"tags": ("c",)}, {"tags": ("c",)}),
        ({"tags": ()}, {"tags": ()}),
        ({"add_tags": ("a", "c")}, {"tags": ("a", "b", "c")}),
        ({"remove_tags": ("b", "z")}, {"tags": ("a",)}),
        ({"tags": ("x",), "add_tags": ("c",), "remove_tags": ("x",)}, {"tags": ("c",)}),
        (
            {"content": "both", "importance": 10, "remove_tags": ("a",)},
            {"content": "both", "importance": 10, "tags": ("b",)},
        ),
    ],
    ids=str,
)
def test_only_what_a_change_names_becomes_different(
    repository: MemoryRepository, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    old = save(repository, "old", importance=5, tags=("a", "b"))
    other = save(repository, "other", importance=5, tags=("a", "b"))
    changed = change(repository, old, **changes)
    assert changed.updated_at is not None
    assert changed.updated_at > old.created_at
    assert changed == replace(
        old, note=replace(old.note, **expected), updated_at=changed.updated_at
    )
    assert {c.id: c for c in load(repository).contexts} == {old.id: changed, other.id: other}
    for tag in ("a", "b", "c", "x"):
        carrying = [c for c in (other, changed) if tag in c.note.tags]
        page = load(repository, tags=(tag,))
        assert page == ContextPage(contexts=tuple(carrying), total=len(carrying))
        counted = {
            t.tag: t.count for t in repository.popular_tags("alpha", minimum_count=1, limit=9).tags
        }
        assert counted.get(tag, 0) == len(carrying)
    for minimum in (1, 3, 6):
        found = {c.id for c in load(repository, minimum_importance=minimum).contexts}
        assert found == {c.id for c in (other, changed) if c.note.importance >= minimum}


def test_a_change_keeps_the_place_in_the_order(repository: MemoryRepository) -> None:
    first = save(repository, "first")
    time.sleep(0.002)
    second = save(repository, "second")
    changed = change(repository, first, content="changed")
    assert load(repository).contexts == (second, changed)
    assert repository.contexts_after(after=0, limit=9) == (changed, second)
    (project,) = repository.projects()
    assert project == Project(
        name="alpha",
        context_count=2,
        created_at=first.created_at,
        last_saved_at=changed.last_changed_at,
    )


def test_every_change_is_later_than_the_one_before(repository: MemoryRepository) -> None:
    context = save(repository, "first")
    moments = [
        change(repository, context, content=str(number)).last_changed_at for number in range(8)
    ]
    assert [context.created_at, *moments] == sorted({context.created_at, *moments})
    assert moments[-1] - datetime.now(timezone.utc) < timedelta(seconds=1)


def test_a_change_that_changes_nothing_sets_no_time_and_keeps_nothing(
    repository: MemoryRepository,
) -> None:
    context = save(repository, "same", tags=("a",))
    assert change(repository, context, content="same", importance=5, add_tags=("a",)) == context
    assert repository.revisions(context.id, project=None, limit=99) == ()


def test_what_a_context_was_is_kept_newest_first(repository: MemoryRepository) -> None:
    context = save(repository, "one", importance=3, tags=("a",))
    second = change(repository, context, content="two", add_tags=("b",))
    third = change(repository, context, importance=9)
    assert repository.revisions(context.id, project="alpha", limit=99) == (
        Revision(
            number=2,
            note=Note(content="two", importance=3, tags=("a", "b")),
            replaced_at=third.last_changed_at,
        ),
        Revision(
            number=1,
            note=Note(content="one", importance=3, tags=("a",)),
            replaced_at=second.last_changed_at,
        ),
    )


def test_only_the_last_revisions_are_given_where_a_limit_asks_for_it(
    repository: MemoryRepository,
) -> None:
    context = save(repository, "0")
    for number in range(1, 6):
        change(repository, context, content=str(number))
    found = repository.revisions(context.id, project=None, limit=2)
    assert [(revision.number, revision.note.content) for revision in found] == [(5, "4"), (4, "3")]


def test_only_a_context_of_the_project_is_changed(repository: MemoryRepository) -> None:
    context = save(repository, "note")
    before = everything(repository)
    content = Change(content="x")
    assert repository.update(context.id, content, project="beta") is None
    assert repository.update(context.id + 1000, content, project=None) is None
    assert repository.restore(context.id, project="beta", revision=1) is None
    assert everything(repository) == before
    updated = repository.update(context.id, content, project="alpha")
    assert updated is not None
    assert updated.revision == 1
    changed = updated.context
    assert repository.revisions(context.id, project="beta", limit=99) == ()
    assert repository.restore(context.id, project="beta", revision=1) is None
    assert load(repository).contexts == (changed,)


def test_a_context_that_was_changed_meanwhile_is_refused_and_shown(
    repository: MemoryRepository,
) -> None:
    context = save(repository, "note")
    seen = TimeSpan(
        since=context.last_changed_at, until=context.last_changed_at + timedelta(milliseconds=1)
    )
    changed = repository.update(context.id, Change(content="mine"), project=None, last_changed=seen)
    assert changed is not None
    mine = changed.context
    with pytest.raises(ContextChangedError) as refused:
        repository.update(context.id, Change(content="late"), project=None, last_changed=seen)
    assert refused.value.current == mine
    assert load(repository).contexts == (mine,)
    assert len(repository.revisions(context.id, project=None, limit=99)) == 1


def test_of_many_changes_for_one_state_one_wins(repository: MemoryRepository) -> None:
    context = save(repository, "note", tags=("a",))
    seen = TimeSpan(until=context.last_changed_at + timedelta(milliseconds=1))
    won: list[Context] = []
    lost: list[ContextChangedError] = []

    def work(number: int) -> None:
        try:
            changed = repository.update(
                context.id,
                Change(content=f"by {number}", add_tags=(f"t{number}",)),
                project=None,
                last_changed=seen,
            )
            assert changed is not None
            won.append(changed.context)
        except ContextChangedError as error:
            lost.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert load(repository).contexts == (won[0],)
    assert {error.current for error in lost} == {won[0]}


def test_a_changed_context_is_repeated_by_a_save_of_what_it_is_now(
    repository: MemoryRepository,
) -> None:
    context = save(repository, "before")
    changed = change(repository, context, content="after")
    assert save(repository, "after") == changed
    assert save(repository, "before").id > context.id


def test_the_trash_is_invisible(repository: MemoryRepository) -> None:
    kept = save(repository, "kept", tags=("a",))
    expected = everything(repository)
    gone = save(repository, "gone", importance=9, tags=("a", "b"))
    only = save(repository, "only", project="other")
    change(repository, gone, content="changed and gone")
    assert repository.forget(gone.id, project="alpha") == "alpha"
    assert repository.forget(only.id, project=None) == "other"
    seen = everything(repository)
    assert {name: (state[1], state[2]) for name, state in seen.items()} == {
        name: (state[1], state[2]) for name, state in expected.items()
    }
    assert repository.contexts_after(after=0, limit=9) == (kept,)
    assert repository.update(gone.id, Change(content="x"), project=None) is None
    assert repository.forget(gone.id, project=None) is None
    assert repository.project("other") is None
    assert save(repository, "changed and gone", importance=9, tags=("a", "b")).id > only.id


def test_what_is_in_the_trash_is_listed_the_last_forgotten_first(
    repository: MemoryRepository,
) -> None:
    begun = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    saved = [save(repository, f"note {n}", project=f"p{n % 2}", tags=("a",)) for n in range(5)]
    changed = change(repository, saved[3], content="changed")
    for context in (saved[3], saved[0], saved[4]):
        repository.forget(context.id, project=None)
        time.sleep(0.002)
    trash = repository.trash(project=None, limit=9)
    assert [t.context for t in trash] == [saved[4], saved[0], changed]
    assert all(begun <= t.forgotten_at <= datetime.now(timezone.utc) for t in trash)
    assert [t.context for t in repository.trash(project="p1", limit=9)] == [changed]
    assert [t.context for t in repository.trash(project=None, limit=1)] == [saved[4]]
    assert repository.trash(project="nobody", limit=9) == ()


def test_what_was_forgotten_is_restored_as_it_was(
    repository: MemoryRepository, open_store: Open
) -> None:
    context = save(repository, "note", importance=8, tags=("a", "b"))
    changed = change(repository, context, content="changed")
    before = everything(repository)
    repository.forget(context.id, project=None)
    repository.close()
    assert open_store().restore(context.id, project="alpha") == changed
    assert everything(repository) == before
    assert repository.trash(project=None, limit=9) == ()
    assert len(repository.revisions(context.id, project=None, limit=99)) == 1
    assert repository.restore(context.id, project=None) is None
    assert save(repository, "changed", importance=8, tags=("a", "b")) == changed


def test_only_a_context_of_the_project_is_restored(repository: MemoryRepository) -> None:
    context = save(repository, "note")
    repository.forget(context.id, project=None)
    assert repository.restore(context.id, project="beta") is None
    assert repository.restore(context.id + 1000, project=None) is None
    assert [t.context for t in repository.trash(project=None, limit=9)] == [context]


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_an_earlier_text_is_brought_back(repository: MemoryRepository, is_forgotten: bool) -> None:
    context = save(repository, "one", importance=3, tags=("a",))
    second = change(repository, context, content="two", importance=9, tags=("b",))
    if is_forgotten:
        repository.forget(context.id, project=None)
    assert repository.restore(context.id, project=None, revision=7) is None
    restored = repository.restore(context.id, project=None, revision=1)
    assert restored is not None
    assert restored.last_changed_at > second.last_changed_at
    assert restored == replace(context, updated_at=restored.updated_at)
    assert load(repository).contexts == (restored,)
    assert load(repository, tags=("b",)).total == 0
    assert [r.note.content for r in repository.revisions(context.id, project=None, limit=99)] == [
        "two",
        "one",
    ]
    assert repository.trash(project=None, limit=9) == ()


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_what_is_forgotten_permanently_is_gone_with_all_that_was_kept_of_it(
    repository: MemoryRepository, is_forgotten: bool
) -> None:
    kept = save(repository, "kept", tags=("a",))
    context = save(repository, "one", tags=("a", "b"))
    change(repository, context, content="two")
    if is_forgotten:
        repository.forget(context.id, project=None)
    assert repository.forget(context.id, project="beta", permanently=True) is None
    assert repository.forget(context.id, project="alpha", permanently=True) == "alpha"
    assert repository.forget(context.id, project=None, permanently=True) is None
    assert load(repository).contexts == (kept,)
    assert repository.trash(project=None, limit=9) == ()
    assert repository.revisions(context.id, project=None, limit=99) == ()
    assert repository.restore(context.id, project=None) is None
    assert repository.restore(context.id, project=None, revision=1) is None
    assert repository.popular_tags("alpha", minimum_count=1, limit=9).tags == (
        TagCount(tag="a", count=1),
    )


def test_a_purge_removes_what_was_forgotten_before(repository: MemoryRepository) -> None:
    saved = [save(repository, f"note {n}", project=f"p{n % 3}") for n in range(250)]
    change(repository, saved[0], content="changed")
    for context in saved[:240]:
        repository.forget(context.id, project=None)
    time.sleep(0.005)
    moment = datetime.now(timezone.utc)
    repository.forget(saved[240].id, project=None)
    assert repository.purge(before=moment - timedelta(days=1)) == 0
    assert repository.purge(before=moment) == 240
    assert repository.purge(before=moment) == 0
    assert [t.context for t in repository.trash(project=None, limit=99)] == [saved[240]]
    assert repository.revisions(saved[0].id, project=None, limit=99) == ()
    assert repository.contexts_after(after=0, limit=99) == tuple(saved[241:])
    assert repository.purge(before=EVER) == 1


def test_a_brought_context_in_the_trash_is_not_brought_again(
    repository: MemoryRepository,
) -> None:
    repository.add_imported([foreign(1)])
    (context,) = load(repository).contexts
    repository.forget(context.id, project=None)
    assert repository.add_imported([foreign(1)]) == 0
    assert repository.restore(context.id, project=None) == context


def work_on(repository: MemoryRepository, saved: list[Context], seed: int) -> None:
    """Change, forget and restore by turns."""
    for number in range(30):
        context_id = saved[(number // 3 + seed) % len(saved)].id
        if (number + seed) % 3 == 0:
            new = Change(content=f"{seed} {number}", importance=number % 10 + 1)
            repository.update(context_id, new, project=None)
        elif (number + seed) % 3 == 1:
            repository.forget(context_id, project=None)
        else:
            repository.restore(context_id, project=None)


def test_changing_forgetting_and_restoring_at_once_loses_nothing(
    repository: MemoryRepository,
) -> None:
    saved = [save(repository, f"note {n}", tags=("a", f"t{n}")) for n in range(6)]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda seed: work_on(repository, saved, seed), range(4)))
    for context in saved:
        repository.restore(context.id, project=None)
    held = {c.id: c for c in load(repository).contexts}
    assert [held[c.id].note.tags for c in saved] == [c.note.tags for c in saved]
    for context in saved:
        revisions = repository.revisions(context.id, project=None, limit=99)
        assert [r.number for r in revisions] == list(range(len(revisions), 0, -1))
        assert revisions[-1].note.content == context.note.content
        assert revisions[0].replaced_at == held[context.id].updated_at
    assert repository.trash(project=None, limit=9) == ()
    tags = repository.popular_tags("alpha", minimum_count=1, limit=9).tags
    assert {tag.tag: tag.count for tag in tags} == {"a": 6} | {f"t{n}": 1 for n in range(6)}


def test_a_forgotten_context_says_since_when(repository: MemoryRepository) -> None:
    context = save(repository, "note")
    repository.forget(context.id, project=None)
    (trashed,) = repository.trash(project=None, limit=1)
    assert trashed == ForgottenContext(context=context, forgotten_at=trashed.forgotten_at)
    assert trashed.forgotten_at.microsecond % 1000 == 0
