"""What the storage contract says of search, on every backend."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extended_memory.domain import Change, Context, Match, SearchPage, TimeSpan
from extended_memory.search.analyzer import query_terms
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.contract import foreign, save, selection
from tests.support.redis_servers import RedisServer
from tests.support.rounds import FACTOR


def search(repository: MemoryRepository, text: str, **changes: Any) -> SearchPage:
    """Search everything of a project where a test names nothing."""
    project, selected = changes.pop("project", "alpha"), selection(changes)
    values: dict[str, Any] = {"limit": 50, "offset": 0} | changes
    return repository.search(project, text, selected, **values)


def contexts(page: SearchPage) -> list[Context]:
    return [found.context for found in page.found]


def test_a_context_is_found_as_soon_as_it_is_saved_by_any_of_its_words(
    repository: MemoryRepository,
) -> None:
    saved = save(repository, "We chose PostgreSQL over MongoDB.", tags=("database",))
    save(repository, "Nothing of the kind.")
    for word in ("postgresql", "chose", "mongodb", "database", "PostgreSQL whatever"):
        assert contexts(search(repository, word)) == [saved], word


def test_the_words_that_matched_are_told(repository: MemoryRepository) -> None:
    saved = save(repository, "Решили: храним заметки в PostgreSQL.")
    page = search(repository, "какую базу решили: PostgreSQL или postgre")
    assert contexts(page) == [saved]
    matches = page.found[0].matches
    assert Match(word="решили") in matches
    assert Match(word="PostgreSQL") in matches
    assert 0 < page.found[0].score <= 1
    assert (page.total, page.unindexed) == (1, 0)


def test_a_mistyped_word_is_taken_for_the_one_that_is_there(repository: MemoryRepository) -> None:
    saved = save(repository, "The Kubernetes cluster runs on three nodes.")
    page = search(repository, "kubernetis")
    assert contexts(page) == [saved]
    assert page.found[0].matches == (Match(word="kubernetis", taken_for="Kubernetes"),)


def test_the_best_comes_first(repository: MemoryRepository) -> None:
    other = save(repository, "The invoice service reads the address.")
    best = save(repository, "The invoice service keeps invoices of the invoice year.")
    assert contexts(search(repository, "invoices of a year")) == [best, other]


def test_importance_and_then_time_break_ties_only(repository: MemoryRepository) -> None:
    low = save(repository, "same words", importance=3)
    time.sleep(0.002)
    newer = save(repository, "same words", importance=3, tags=())  # a repetition: the same one
    assert newer == low
    high = save(repository, "same words", importance=9)
    later = save(repository, "same  words", importance=3)
    assert contexts(search(repository, "same words")) == [high, later, low]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"minimum_importance": 6}, {5, 6, 7, 8, 9}),
        ({"tags": ("t1",)}, {1, 4, 7}),
        ({"tags": ("t1", "t2")}, {1, 2, 4, 5, 7, 8}),
        ({"tags": ("t1",), "minimum_importance": 6}, {7}),
        ({"span": TimeSpan(since=foreign(8).created_at)}, {8, 9}),
        ({"span": TimeSpan(until=foreign(2).created_at)}, {0, 1}),
        (
            {"span": TimeSpan(since=foreign(2).created_at, until=foreign(5).created_at)},
            {2, 3, 4},
        ),
        ({"tags": ("nobody",)}, set()),
    ],
    ids=str,
)
def test_filters_apply_before_anything_is_cut(
    repository: MemoryRepository, filters: dict[str, Any], numbers: set[int]
) -> None:
    repository.add_imported([foreign(number) for number in range(10)])
    page = search(repository, "note", **filters)
    assert {c.note.content for c in contexts(page)} == {f"note {number}" for number in numbers}
    assert page.total == len(numbers)
    one = search(repository, "note", limit=1, **filters)
    assert (one.total, len(one.found)) == (len(numbers), min(1, len(numbers)))


def test_pages_of_a_search_follow_each_other(repository: MemoryRepository) -> None:
    repository.add_imported(
        [foreign(number, content=f"note {'x ' * number}") for number in range(23)]
    )
    whole = search(repository, "note")
    assert whole.total == 23
    pages = [search(repository, "note", limit=5, offset=start) for start in range(0, 30, 5)]
    assert [found for page in pages for found in page.found] == list(whole.found)
    assert [page.total for page in pages] == [23] * 6


def test_a_search_knows_nothing_of_other_projects(repository: MemoryRepository) -> None:
    saved = save(repository, "the zebra crossing", tags=("animal",))
    alone = search(repository, "zebra crossing lion")
    for number in range(30):
        save(repository, f"zebra lion zebras {number}", project="beta", tags=("animal", "lions"))
    assert search(repository, "zebra crossing lion") == alone
    assert contexts(alone) == [saved]
    assert search(repository, "lion") == SearchPage(
        terms=search(repository, "lion").terms, suggestions=()
    )
    assert search(repository, "zebra", project="nobody").found == ()


def test_what_is_changed_is_found_by_what_it_is_now(repository: MemoryRepository) -> None:
    saved = save(repository, "We chose MySQL.", tags=("old",))
    repository.update(saved.id, Change(content="We chose SQLite.", tags=("new",)), project=None)
    assert contexts(search(repository, "mysql old")) == []
    (found,) = contexts(search(repository, "sqlite"))
    assert found.note.content == "We chose SQLite."
    assert len(contexts(search(repository, "new"))) == 1
    repository.update(saved.id, Change(importance=9), project=None)
    assert len(contexts(search(repository, "sqlite", minimum_importance=9))) == 1


def test_what_is_forgotten_is_not_found_and_what_is_restored_is(
    repository: MemoryRepository,
) -> None:
    saved = save(repository, "a zebra")
    other = save(repository, "a lion")
    repository.forget(saved.id, project=None)
    page = search(repository, "zebra lion")
    assert contexts(page) == [other]
    assert search(repository, "zebr").suggestions == ()
    assert repository.restore(saved.id, project=None) == saved
    assert set(contexts(search(repository, "zebra lion"))) == {saved, other}
    repository.forget(saved.id, project=None, permanently=True)
    assert contexts(search(repository, "zebra")) == []


def test_what_was_brought_is_found_also_by_its_date(repository: MemoryRepository) -> None:
    repository.add_imported([foreign(1)])
    for text in ("note", "2024", "20240229", "february", "февраль"):
        assert search(repository, text).total == 1, text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?!",
        '"',
        "'",
        "''; DROP TABLE contexts; --",
        "NEAR(a b)",
        "AND OR NOT",
        "*",
        "%",
        "a*",
        'title:"x"',
        "\0",
        "(((",
        "^$.*",
        "\ud7ff\ue000",
        "{alpha}:1",
        "x" * 1_000,
        "я " * 500,
    ],
    ids=lambda text: repr(text)[:20],
)
def test_a_query_is_words_and_never_a_syntax(repository: MemoryRepository, text: str) -> None:
    saved = save(repository, "A note about apples and DROP.")
    found = contexts(search(repository, text))
    assert found in ([], [saved])
    assert found == [] or query_terms(text)
    assert ("DROP" in text) <= (found == [saved])
    assert contexts(search(repository, "apple")) == [saved]


def test_where_nothing_is_found_words_of_the_project_are_suggested(
    repository: MemoryRepository,
) -> None:
    save(repository, "The deployment to Kubernetes failed.")
    save(repository, "Kuberntes elsewhere", project="beta")
    page = search(repository, "kubrnts")
    assert page.found == ()
    assert page.suggestions == ("Kubernetes",)


POINTS = "\u02bc\u037a\u0640\ufc5e\ufc5f\ufc60\ufc61\ufc62\ufc63\ufcf2\ufcf3\ufcf4" + "".join(
    map(chr, range(0xFE70, 0xFE80))
)
"""Vowel signs and the like that Unicode counts as letters; alone they are no word."""

LETTERS = st.characters(categories=["L", "N"], exclude_characters=POINTS)
WORDS = st.text(LETTERS, min_size=1, max_size=12) | st.sampled_from("🧠🚀✅🇫🇷❤")


@given(words=st.lists(WORDS, min_size=1, max_size=12))
@settings(
    max_examples=60 * FACTOR,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_word_of_a_text_finds_it(repository: MemoryRepository, words: list[str]) -> None:
    project = f"p{uuid4().hex}"  # Hypothesis seeds random
    saved = save(repository, " ".join(words), project=project)
    for word in words:
        assert contexts(search(repository, word, project=project)) == [saved], word


@pytest.mark.long(but=1)
def test_any_word_of_a_long_text_finds_it(repository: MemoryRepository) -> None:
    chance = random.Random(5)
    alphabets = (
        "aeinorst",
        "абвеёиойк",
        "αβγδε",
        "אבגדה",
        "ابتثج",
        "अआइउक",
        "漢字学日本",
        "한국어말",
        "กขคงจ",
        "xyz012",
    )
    words = [
        "".join(chance.choices(chance.choice(alphabets), k=chance.randint(1, 9)))
        for _ in range(1_999)
    ]
    saved = save(repository, " ".join(words))
    for word in words:
        assert contexts(search(repository, word)) == [saved], word


def test_nothing_is_left_to_index_of_what_this_release_saved(
    repository: MemoryRepository,
) -> None:
    assert repository.index_newest(10) == 0
    save(repository, "note")
    assert repository.index_newest(10) == 0
    assert search(repository, "note").unindexed == 0


SYLLABLES = ("ka", "to", "mi", "ре", "ша", "до", "x1", "v2", "son", "ing")


@pytest.fixture
def both(place: Path, redis_server: RedisServer) -> Iterator[tuple[MemoryRepository, ...]]:
    """Give an empty store of each kind."""
    with (
        closing(SqliteRepository(place)) as file,
        closing(RedisRepository(redis_server.url, key_prefix="em")) as server,
    ):
        yield file, server


def test_the_same_contexts_give_the_same_answer_in_every_store(
    both: tuple[MemoryRepository, ...],
) -> None:
    chance = random.Random(7)
    vocabulary = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(150)]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    brought = [
        foreign(
            number,
            project=chance.choice(["alpha", "alpha", "beta"]),
            content=" ".join(chance.choices(vocabulary, weights, k=chance.randint(3, 60))),
            importance=chance.randint(1, 10),
            tags=tuple(sorted(set(chance.choices(vocabulary[:9], k=chance.randint(0, 3))))),
            created_at=foreign(0).created_at + timedelta(minutes=chance.randint(0, 900)),
        )
        for number in range(400)
    ]
    for repository in both:
        repository.add_imported(brought)
        for context in repository.contexts_after(after=0, limit=400)[::7]:
            repository.forget(context.id, project=None)
        for context in repository.contexts_after(after=0, limit=400)[::5]:
            change = Change(content=context.note.content[::-1], add_tags=("x1",))
            repository.update(context.id, change, project=None)
    for _ in range(120):
        text = " ".join(chance.choices(vocabulary, k=chance.randint(1, 6)))
        filters: dict[str, Any] = chance.choice(
            [{}, {}, {"minimum_importance": 5}, {"tags": ("x1",)}, {"project": "beta"}]
        )
        answers = [search(repository, text, limit=10, **filters) for repository in both]
        shown = [
            (
                [(f.context.note.content, f.score, f.matches) for f in page.found],
                page.total,
                page.suggestions,
            )
            for page in answers
        ]
        assert shown[0] == shown[1], text
