"""The storage contract, sentence by sentence, on every backend."""

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from extended_memory.domain import (
    Context,
    ContextPage,
    Note,
    Project,
    Standing,
    TagCount,
    TagPage,
    TimeSpan,
)
from extended_memory.storage.contract import (
    MAXIMUM_COUNTED,
    MAXIMUM_REPEAT_WINDOW,
    MemoryRepository,
)
from tests.support.contract import Open, as_stored, everything, foreign, load, save


def ids(page: ContextPage) -> list[int]:
    return [context.id for context in page.contexts]


CONTENTS = {
    "ascii": "plain",
    "russian": "Решили: PostgreSQL, потому что нужны транзакции. ёЁ",
    "emoji": "👩‍👩‍👧 done ✅",
    "decomposed": "e\u0301 is not \u00e9",
    "white space": "  kept\r\n\twith its edges \n",
    "NUL": "before\0after",
    "byte order mark": "\ufeffkept",
    "quotes": '\'; DROP TABLE contexts; -- "%s" {x} \\',
    "astral": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0010ffff \ufffe",
    "right to left": "\u202eשלום\u202c",
    "largest": "я" * 25_000,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_content_is_kept_byte_for_byte(repository: MemoryRepository, content: str) -> None:
    save(repository, content)
    (loaded,) = load(repository).contexts
    assert loaded.note.content.encode() == content.encode()


def test_a_save_returns_what_a_load_gives(repository: MemoryRepository) -> None:
    before = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    saved = save(repository, "note", importance=9, tags=("api", "база"))
    assert before <= saved.created_at <= datetime.now(timezone.utc)
    assert saved.created_at.utcoffset() == timedelta(0)
    assert saved.created_at.microsecond % 1000 == 0
    assert saved == Context(
        id=saved.id,
        project="alpha",
        note=Note(content="note", importance=9, tags=("api", "база")),
        created_at=saved.created_at,
    )
    assert load(repository) == ContextPage(contexts=(saved,), total=1)


def test_what_was_saved_is_seen_by_every_other_repository(open_store: Open) -> None:
    first, second = open_store(), open_store()
    second.prepare()
    saved = save(first, "note", tags=("a",))
    assert load(second) == ContextPage(contexts=(saved,), total=1)


def test_what_was_saved_survives_closing(repository: MemoryRepository, open_store: Open) -> None:
    saved = save(repository, "note", tags=("a",))
    repository.close()
    assert load(open_store()).contexts == (saved,)
    assert load(repository).contexts == (saved,)


def test_ids_are_positive_and_rise_over_all_projects(repository: MemoryRepository) -> None:
    given = [save(repository, f"note {n}", project=p).id for n, p in enumerate("abab")]
    assert given == sorted(set(given))
    assert given[0] >= 1


def test_a_forgotten_id_is_never_given_again(
    repository: MemoryRepository, open_store: Open
) -> None:
    used = [save(repository, f"note {n}").id for n in range(3)]
    for context_id in used:
        repository.forget(context_id, project=None)
    repository.close()
    assert save(open_store(), "another").id > max(used)


def test_a_repeated_save_returns_the_context_of_then(repository: MemoryRepository) -> None:
    first = save(repository, "note", importance=8, tags=("a", "b"))
    again = save(repository, "note", importance=8, tags=("a", "b"))
    assert again == first
    assert load(repository) == ContextPage(contexts=(first,), total=1)
    assert repository.popular_tags("alpha", minimum_count=1, limit=9).tags == (
        TagCount(tag="a", count=1),
        TagCount(tag="b", count=1),
    )


@pytest.mark.parametrize(
    "change",
    [{"project": "beta"}, {"importance": 6}, {"tags": ("a",)}, {"tags": ()}, {"content": "Note"}],
    ids=str,
)
def test_a_save_that_differs_in_anything_is_stored(
    repository: MemoryRepository, change: dict[str, Any]
) -> None:
    values: dict[str, Any] = {"content": "note", "importance": 5, "tags": ("a", "b")}
    first = save(repository, **values)
    assert save(repository, **(values | change)).id != first.id


def test_a_save_after_the_window_is_stored_again(repository: MemoryRepository) -> None:
    first = save(repository, "note")
    time.sleep(0.02)
    later = save(repository, "note", repeat_within=timedelta(milliseconds=5))
    assert later.id != first.id
    assert load(repository).total == 2


def test_a_save_after_forgetting_is_no_repetition(repository: MemoryRepository) -> None:
    first = save(repository, "note")
    repository.forget(first.id, project=None)
    again = save(repository, "note")
    assert again.id > first.id
    assert load(repository).contexts == (again,)


def test_of_several_equal_contexts_the_newest_is_repeated(repository: MemoryRepository) -> None:
    save(repository, "note")
    time.sleep(0.02)
    second = save(repository, "note", repeat_within=timedelta(milliseconds=5))
    assert save(repository, "note") == second
    repository.forget(second.id, project=None)
    assert save(repository, "note", repeat_within=MAXIMUM_REPEAT_WINDOW).id < second.id


def test_the_same_save_from_many_threads_is_stored_once(repository: MemoryRepository) -> None:
    given: list[int] = []
    threads = [
        threading.Thread(target=lambda: given.append(save(repository, "note", tags=("t",)).id))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 16
    assert len(set(given)) == 1
    assert load(repository).total == 1


def test_many_threads_lose_nothing(repository: MemoryRepository) -> None:
    saved: list[Context] = []

    def work(name: str) -> None:
        for number in range(20):
            saved.append(
                save(repository, f"{name} {number}", importance=number % 10 + 1, tags=(name, "x"))
            )
            load(repository)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page = load(repository, limit=200)
    assert page.total == 120
    assert {c.id: c for c in page.contexts} == {c.id: c for c in saved}
    assert repository.popular_tags("alpha", minimum_count=1, limit=1).tags == (
        TagCount(tag="x", count=120),
    )


def test_newest_comes_first_and_of_one_millisecond_the_higher_id(
    repository: MemoryRepository,
) -> None:
    saved = [save(repository, f"note {n}", importance=n % 10 + 1) for n in range(40)]
    expected = sorted(saved, key=lambda c: (c.created_at, c.id), reverse=True)
    assert load(repository).contexts == tuple(expected)


@pytest.mark.parametrize("minimum", [1, 5, 7, 10])
def test_importance_is_a_minimum(repository: MemoryRepository, minimum: int) -> None:
    saved = [save(repository, f"note {n}", importance=n) for n in range(1, 11)]
    expected = [c.id for c in reversed(saved) if c.note.importance >= minimum]
    page = load(repository, minimum_importance=minimum)
    assert (ids(page), page.total) == (expected, len(expected))


@pytest.mark.parametrize(
    ("tags", "numbers"),
    [
        (("a",), [0, 2, 4]),
        (("a", "b"), [0, 1, 2, 4]),
        (("a", "nobody"), [0, 2, 4]),
        (("nobody",), []),
        (("A",), []),
        (("a%",), []),
    ],
    ids=str,
)
def test_tags_filter_for_any_and_each_context_comes_once(
    repository: MemoryRepository, tags: tuple[str, ...], numbers: list[int]
) -> None:
    given = [("a", "b"), ("b",), ("a",), (), ("a", "c")]
    saved = [save(repository, f"note {n}", tags=own) for n, own in enumerate(given)]
    page = load(repository, tags=tags)
    assert page.contexts == tuple(saved[n] for n in reversed(numbers))
    assert page.total == len(numbers)


def test_tags_and_importance_filter_together(repository: MemoryRepository) -> None:
    save(repository, "low", importance=3, tags=("a",))
    high = save(repository, "high", importance=8, tags=("a", "b"))
    save(repository, "other", importance=9, tags=("c",))
    page = load(repository, minimum_importance=7, tags=("a", "b"))
    assert page == ContextPage(contexts=(high,), total=1)


@pytest.mark.parametrize("tags", [(), ("even",), ("even", "odd")], ids=str)
def test_pages_follow_each_other_without_gap_or_double(
    repository: MemoryRepository, tags: tuple[str, ...]
) -> None:
    for number in range(25):
        tag = ("odd" if number % 2 else "even", "all")
        save(repository, f"note {number}", importance=number % 10 + 1, tags=tag)
    whole = load(repository, minimum_importance=4, tags=tags)
    paged = [
        context
        for offset in range(0, whole.total, 4)
        for context in load(
            repository, minimum_importance=4, tags=tags, limit=4, offset=offset
        ).contexts
    ]
    assert tuple(paged) == whole.contexts
    assert len(paged) == whole.total


@pytest.mark.parametrize("offset", [3, 4, 2**53 - 1])
def test_an_offset_beyond_the_end_gives_nothing_but_the_total(
    repository: MemoryRepository, offset: int
) -> None:
    for number in range(3):
        save(repository, f"note {number}", tags=("a",))
    assert load(repository, offset=offset) == ContextPage(contexts=(), total=3)
    assert load(repository, offset=offset, tags=("a",)) == ContextPage(contexts=(), total=3)


def test_a_project_that_does_not_exist_has_no_contexts(repository: MemoryRepository) -> None:
    assert load(repository, "nobody") == ContextPage(contexts=(), total=0)
    assert load(repository, "nobody", tags=("a",)) == ContextPage(contexts=(), total=0)
    assert repository.project("nobody") is None
    nothing = TagPage(tags=(), total=0)
    assert repository.popular_tags("nobody", minimum_count=1, limit=9) == nothing


def test_a_context_that_is_brought_keeps_its_time(repository: MemoryRepository) -> None:
    brought = [foreign(number) for number in (1, 2, 3)]
    assert repository.add_imported(brought) == 3
    page = load(repository)
    assert page == ContextPage(
        contexts=tuple(
            as_stored(context, stored.id)
            for context, stored in zip(reversed(brought), page.contexts, strict=True)
        ),
        total=3,
    )
    assert load(repository, minimum_importance=3, tags=("t2",)).total == 1
    assert repository.projects() == (
        Project(
            name="alpha",
            context_count=3,
            created_at=brought[0].created_at,
            last_saved_at=brought[-1].created_at,
        ),
    )


def test_ids_rise_in_the_order_in_which_contexts_are_brought(repository: MemoryRepository) -> None:
    order = [5, 1, 4, 2]
    repository.add_imported([foreign(number, project=f"p{number % 2}") for number in order])
    saved = save(repository, "after", project="p0")
    held = {c.note.content: c.id for p in ("p0", "p1") for c in load(repository, p).contexts}
    assert [held[f"note {number}"] for number in order] == sorted(held.values())[:-1]
    assert saved.id == max(held.values())


def test_what_was_brought_before_is_left_out(
    repository: MemoryRepository, open_store: Open
) -> None:
    assert repository.add_imported([foreign(1), foreign(2)]) == 2
    before = everything(repository)
    assert open_store().add_imported([foreign(1, content="changed there"), foreign(2)]) == 0
    assert everything(repository) == before
    assert repository.add_imported([foreign(2), foreign(3), foreign(3)]) == 1
    assert load(repository).total == 3


def test_what_was_brought_and_forgotten_is_not_brought_again(
    repository: MemoryRepository,
) -> None:
    repository.add_imported([foreign(1), foreign(2)])
    (gone, kept) = load(repository).contexts
    repository.forget(gone.id, project=None)
    assert repository.add_imported([foreign(1), foreign(2)]) == 0
    assert load(repository).contexts == (kept,)


def test_it_is_known_which_origins_were_brought(repository: MemoryRepository) -> None:
    origins = [foreign(number).origin for number in (1, 2, 3)]
    assert repository.imported_origins(origins) == {}
    repository.add_imported([foreign(1), foreign(2)])
    repository.forget(load(repository).contexts[0].id, project=None, permanently=True)
    assert set(repository.imported_origins(origins)) == set(origins[:2])
    assert repository.imported_origins([]) == {}


def test_it_is_known_where_what_was_brought_is_now(
    repository: MemoryRepository, open_store: Open
) -> None:
    repository.add_imported([foreign(number) for number in range(4)])
    repository.add_imported([foreign(4, project="beta")])
    ids = {
        context.note.content: context.id for context in repository.contexts_after(after=0, limit=9)
    }
    repository.forget(ids["note 1"], project=None)
    repository.forget(ids["note 2"], project=None, permanently=True)
    repository.forget(ids["note 3"], project=None)
    repository.purge(before=datetime.now(timezone.utc) + timedelta(days=1))
    repository.rename_project("beta", "gamma")
    repository.forget(ids["note 0"], project=None)
    repository.close()
    known = open_store().imported_origins([foreign(number).origin for number in range(6)])
    assert known == {
        foreign(0).origin: Standing(place="trash", project="alpha"),
        **{foreign(number).origin: Standing(place="gone", project="alpha") for number in (1, 2, 3)},
        foreign(4).origin: Standing(place="contexts", project="gamma"),
    }


def test_equal_contexts_of_two_origins_are_both_brought(repository: MemoryRepository) -> None:
    same = {"content": "same", "importance": 5, "tags": (), "created_at": foreign(1).created_at}
    assert repository.add_imported([foreign(number, **same) for number in (1, 2)]) == 2
    assert load(repository).total == 2


def test_nothing_is_brought_of_nothing(repository: MemoryRepository) -> None:
    assert repository.add_imported([]) == 0
    assert repository.projects() == ()


def test_a_recent_context_that_was_brought_is_repeated_by_a_save(
    repository: MemoryRepository,
) -> None:
    now = datetime.now(timezone.utc).replace(microsecond=0)
    recent = foreign(1, content="note", importance=5, tags=(), created_at=now)
    old = foreign(2, content="old", importance=5, tags=())
    repository.add_imported([recent, old])
    assert save(repository, "note").created_at == now
    assert save(repository, "old").created_at > now
    assert load(repository).total == 3


def test_an_older_context_makes_its_project_older_and_no_newer(
    repository: MemoryRepository,
) -> None:
    saved = save(repository, "now")
    repository.add_imported([foreign(1)])
    assert repository.project("alpha") == Project(
        name="alpha",
        context_count=2,
        created_at=foreign(1).created_at,
        last_saved_at=saved.created_at,
    )
    assert load(repository).contexts[0] == saved


@pytest.mark.parametrize("tags", [(), ("a",), ("t0", "t1")], ids=str)
@pytest.mark.parametrize(
    ("since", "until"), [(None, 7), (3, None), (3, 7), (0, 100), (5, 5), (9, 3)], ids=str
)
def test_a_span_of_time_filters_by_when_a_context_was_saved(
    repository: MemoryRepository,
    tags: tuple[str, ...],
    since: int | None,
    until: int | None,
) -> None:
    times = [foreign(number).created_at for number in range(101)]
    repository.add_imported([foreign(number) for number in range(12)])
    span = TimeSpan(
        since=None if since is None else times[since], until=None if until is None else times[until]
    )
    page = load(repository, tags=tags, span=span)
    expected = [
        number
        for number in reversed(range(12))
        if times[number] in span and (not tags or set(tags) & set(foreign(number).note.tags))
    ]
    assert [context.note.content for context in page.contexts] == [f"note {n}" for n in expected]
    assert (page.total, page.total_is_exact) == (len(expected), True)
    second = load(repository, tags=tags, span=span, offset=1, limit=2, minimum_importance=3)
    important = [number for number in expected if number % 10 + 1 >= 3]
    assert [context.note.content for context in second.contexts] == [
        f"note {number}" for number in important[1:3]
    ]
    assert second.total == len(important)


def test_contexts_are_given_by_their_ids_in_that_order(repository: MemoryRepository) -> None:
    saved = [save(repository, f"note {n}", project=f"p{n % 2}", tags=("a",)) for n in range(5)]
    repository.forget(saved[4].id, project=None)
    asked = [saved[3].id, 10**9, saved[0].id, saved[3].id, saved[4].id, saved[2].id]
    assert repository.get(asked, project=None) == (saved[3], saved[0], saved[2])
    assert repository.get(asked, project="p0") == (saved[0], saved[2])
    assert repository.get(asked, project="nobody") == ()
    assert repository.get([], project=None) == ()


def test_a_walk_gives_every_context_by_rising_id_in_pieces(repository: MemoryRepository) -> None:
    saved = [
        save(repository, f"note {n}", project=f"p{n % 3}", tags=("a", "b")[: n % 3])
        for n in range(23)
    ]
    for gone in (saved.pop(0), saved.pop(11)):
        repository.forget(gone.id, project=None)
    assert repository.contexts_after(after=0, limit=1000) == tuple(saved)
    walked: list[Context] = []
    while piece := repository.contexts_after(after=walked[-1].id if walked else 0, limit=4):
        assert len(piece) == 4 or len(walked) + len(piece) == len(saved)
        walked += piece
    assert walked == saved
    assert repository.contexts_after(after=saved[-1].id, limit=4) == ()


@pytest.mark.long(but=1)
def test_a_walk_goes_on_where_many_ids_are_of_no_context(repository: MemoryRepository) -> None:
    repository.add_imported([foreign(number) for number in range(1_200)])
    for context in repository.contexts_after(after=0, limit=1_199):
        if context.id > 1:
            repository.forget(context.id, project=None)
    first, last = repository.contexts_after(after=0, limit=9)
    assert (first.note.content, last.note.content) == ("note 0", "note 1199")
    assert repository.contexts_after(after=first.id, limit=1) == (last,)


def test_what_carries_any_of_several_tags_is_counted_up_to_a_number(
    repository: MemoryRepository,
) -> None:
    third = MAXIMUM_COUNTED // 2
    repository.add_imported(
        [
            foreign(
                number,
                importance=5,
                tags=("common",) if number % 2 else ("common", "often"),
                created_at=foreign(1).created_at,
            )
            for number in range(third)
        ]
    )
    exact = load(repository, tags=("common", "often"), limit=1)
    assert (exact.total, exact.total_is_exact) == (third, True)
    repository.add_imported(
        [foreign(third + n, tags=("often",), importance=9) for n in range(third)]
    )
    page = load(repository, tags=("common", "often", "nobody"), limit=2)
    assert (page.total, page.total_is_exact) == (third + third // 2, False)
    assert len(page.contexts) == 2
    one = load(repository, tags=("often", "nobody"), limit=1)
    assert (one.total, one.total_is_exact) == (third + third // 2, True)
    high = load(repository, minimum_importance=6, tags=("common", "often"), limit=1)
    assert (high.total, high.total_is_exact) == (third, True)
    beyond = load(repository, tags=("common", "often"), limit=9, offset=2 * third - 3)
    assert len(beyond.contexts) == 3
    assert load(repository, tags=("common", "often"), offset=2 * third).contexts == ()


NAMES = ["alpha", "alpha beta", "al", "ALPHA", "альфа", "a:b", "a}:{b", "a%", "{alpha}", "'"]


def test_projects_share_nothing(repository: MemoryRepository) -> None:
    saved = {
        name: save(repository, "same", project=name, tags=tuple(sorted(("t", name))))
        for name in NAMES
    }
    for name, context in saved.items():
        assert load(repository, name) == ContextPage(contexts=(context,), total=1)
        assert load(repository, name, tags=("t",)).contexts == (context,)
        others = tuple(other for other in NAMES if other != name)
        assert load(repository, name, tags=others).total == 0
        tags = {
            t.tag: t.count for t in repository.popular_tags(name, minimum_count=1, limit=9).tags
        }
        assert tags == {"t": 1, name: 1}


def test_forgetting_removes_the_context_its_tags_and_its_counts(
    repository: MemoryRepository,
) -> None:
    kept = save(repository, "kept", importance=8, tags=("a",))
    gone = save(repository, "gone", importance=8, tags=("a", "b"))
    assert repository.forget(gone.id, project=None) == "alpha"
    assert load(repository) == ContextPage(contexts=(kept,), total=1)
    assert load(repository, tags=("b",)).total == 0
    assert repository.popular_tags("alpha", minimum_count=1, limit=9) == TagPage(
        tags=(TagCount(tag="a", count=1),), total=1
    )
    (project,) = repository.projects()
    assert project.context_count == 1


def test_forgetting_within_a_project_leaves_those_of_others(
    repository: MemoryRepository,
) -> None:
    context = save(repository, "note", project="alpha", tags=("a",))
    save(repository, "note", project="beta")
    before = everything(repository)
    assert repository.forget(context.id, project="beta") is None
    assert repository.forget(context.id, project="gamma") is None
    assert everything(repository) == before
    assert repository.forget(context.id, project="alpha") == "alpha"
    assert load(repository, "alpha").total == 0


def test_forgetting_what_is_not_there_changes_nothing(repository: MemoryRepository) -> None:
    context = save(repository, "note")
    before = everything(repository)
    assert repository.forget(context.id + 1, project=None) is None
    assert repository.forget(2**53 - 1, project="alpha") is None
    assert everything(repository) == before
    assert repository.forget(context.id, project=None) == "alpha"
    assert repository.forget(context.id, project=None) is None


def test_projects_come_by_their_last_save(repository: MemoryRepository) -> None:
    first = save(repository, "one", project="b")
    time.sleep(0.005)
    save(repository, "two", project="a")
    time.sleep(0.005)
    last = save(repository, "three", project="b")
    projects = repository.projects()
    assert [project.name for project in projects] == ["b", "a"]
    assert projects[0] == Project(
        name="b", context_count=2, created_at=first.created_at, last_saved_at=last.created_at
    )
    assert repository.project("b") == projects[0]


def test_a_project_without_contexts_is_not_listed(repository: MemoryRepository) -> None:
    context = save(repository, "note")
    repository.forget(context.id, project=None)
    assert repository.projects() == ()
    assert repository.project("alpha") is None
    again = save(repository, "again")
    assert repository.projects() == (
        Project(
            name="alpha",
            context_count=1,
            created_at=context.created_at,
            last_saved_at=again.created_at,
        ),
    )


def test_popular_tags_come_by_count_then_by_name(repository: MemoryRepository) -> None:
    for number, tags in enumerate([("b", "c", "ж"), ("c", "a"), ("c", "b"), ("a",), ("z", "é")]):
        save(repository, f"note {number}", tags=tags)
    ordered = [("c", 3), ("a", 2), ("b", 2), ("z", 1), ("é", 1), ("ж", 1)]
    expected = tuple(TagCount(tag=tag, count=count) for tag, count in ordered)
    assert repository.popular_tags("alpha", minimum_count=1, limit=9) == TagPage(
        tags=expected, total=6
    )
    assert repository.popular_tags("alpha", minimum_count=2, limit=2) == TagPage(
        tags=expected[:2], total=3
    )
    assert repository.popular_tags("alpha", minimum_count=1, limit=6).total == 6
    assert repository.popular_tags("alpha", minimum_count=4, limit=9) == TagPage(tags=(), total=0)


def test_nothing_is_answered_at_once_before_the_first_use_and_after_closing(
    repository: MemoryRepository,
) -> None:
    assert not repository.is_quick
    repository.prepare()
    repository.close()
    assert not repository.is_quick
