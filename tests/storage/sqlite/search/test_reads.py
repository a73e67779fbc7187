"""The search index in a SQLite file is read: the same answers as in plain Python."""

import os
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from extended_memory.domain import EVERY_CONTEXT, Change, Note, PortableContext, Selection, TimeSpan
from extended_memory.search.engine import Query
from extended_memory.search.engine import search as ranked
from extended_memory.search.index import Group, VocabularyRange
from extended_memory.storage.sqlite.file.engine import driver_connection, new_engine
from extended_memory.storage.sqlite.repository import SqliteRepository
from extended_memory.storage.sqlite.search import reads
from extended_memory.storage.sqlite.search.reads import SqliteIndex
from tests.support import memory_index
from tests.support.memory_index import MemoryIndex
from tests.support.rounds import FACTOR
from tests.support.sqlite_servers import imported_by_a_load, search_without_rights
from tests.support.sqlite_stores import (
    NOON,
    faults_within,
    found_contents,
    in_another_process,
    index_flaws,
    rows,
    save,
)

SYLLABLES = ("ka", "to", "mi", "ре", "ша", "до", "x1", "v2", "son", "ing", "学", "日本", "😀", "é")
PROJECTS = ("alpha", "beta", "nobody")


@contextmanager
def reading(path: Path) -> Iterator[SqliteIndex]:
    """Give the index of a file."""
    engine = new_engine(path)
    with engine.connect() as connection:
        yield SqliteIndex(driver_connection(connection))
    engine.dispose()


def in_memory(path: Path) -> MemoryIndex:
    """Return the plain index of what a file holds."""
    plain = MemoryIndex()
    with closing(SqliteRepository(path)) as repository:
        for one in repository.contexts_after(after=0, limit=100_000):
            plain.add(one)
    return plain


class Chance:
    """Made-up contexts, queries and selections, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.words = ["".join(self.random.choices(SYLLABLES, k=n % 4 + 1)) for n in range(120)]
        self.weights = [1 / rank for rank in range(1, len(self.words) + 1)]

    def text(self, words: int) -> str:
        count = self.random.randint(1, words)
        return " ".join(self.random.choices(self.words, self.weights, k=count))

    def tags(self) -> tuple[str, ...]:
        chosen = self.random.choices(self.words[:8], k=self.random.randint(0, 3))
        return tuple(sorted(set(chosen)))

    def moment(self) -> datetime:
        """Return one of few times, so that many contexts share one."""
        return NOON + timedelta(minutes=10 * self.random.randint(0, 60))

    def brought(self, number: int) -> PortableContext:
        return PortableContext(
            origin=str(number),
            project=self.random.choice(("alpha", "alpha", "beta")),
            note=Note(
                content=self.text(40), importance=self.random.randint(1, 10), tags=self.tags()
            ),
            created_at=self.moment(),
        )

    def selection(self) -> Selection:
        return Selection(
            tags=self.random.choice(((), (), self.tags())),
            minimum_importance=self.random.choice((1, 1, 4, 9)),
            span=TimeSpan(
                since=self.random.choice((None, self.bound())),
                until=self.random.choice((None, self.bound())),
            ),
        )

    def bound(self) -> datetime:
        """Return a time at which contexts were saved, or close to it."""
        return self.moment() + timedelta(microseconds=self.random.choice((-1, 0, 1)))

    def terms(self, known: list[str]) -> tuple[str, ...]:
        some = self.random.choices(known, k=self.random.randint(1, 6))
        return tuple({*some, self.random.choice(("unknown", some[0]))})

    def groups(self, known: list[str]) -> list[Group]:
        return [
            Group(
                terms=self.terms(known) if self.random.random() < 0.4 else (known[-1 - number],),
                weight=self.random.randint(1, 9_000),
                finds=self.random.random() < 0.6,
            )
            for number in range(self.random.randint(1, 6))
        ]


def change_much(path: Path, chance: Chance) -> None:
    """Bring, save, change, forget and restore, so that contexts come and go from everywhere."""
    with closing(SqliteRepository(path)) as repository:
        repository.add_imported([chance.brought(number) for number in range(150)])
        for step in range(250):
            one = chance.random.randint(1, 150 + step // 4)
            match chance.random.randint(0, 5):
                case 0:
                    repository.save(
                        chance.random.choice(PROJECTS[:2]),
                        Note(
                            content=chance.text(30),
                            importance=chance.random.randint(1, 10),
                            tags=chance.tags(),
                        ),
                        repeat_within=timedelta(0),
                    )
                case 1:
                    repository.update(one, Change(content=chance.text(30)), project=None)
                case 2:
                    change = Change(importance=chance.random.randint(1, 10), tags=chance.tags())
                    repository.update(one, change, project=None)
                case 3:
                    repository.forget(one, project=None, permanently=step % 2 == 0)
                case 4:
                    repository.restore(one, project=None)
                case 5:
                    repository.restore(one, project=None, revision=1)


@pytest.mark.long(but=2)
@pytest.mark.parametrize("seed", range(6 * FACTOR))
def test_every_read_is_that_of_the_index_in_plain_python(
    place: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "_MANY", 10 if seed % 2 else 8_000)
    for where in (reads, memory_index):
        monkeypatch.setattr(where, "RESCORED", (3, 20, 1_000)[seed % 3])
    chance = Chance(seed)
    change_much(place, chance)
    assert index_flaws(place) == faults_within(place) == []
    plain = in_memory(place)
    known = sorted({term for _, term in plain.postings})
    ids = [*plain.contexts, 100_000]
    with reading(place) as file:
        for project in PROJECTS:
            terms = {*known, "unknown"}
            assert file.statistics(project, terms) == plain.statistics(project, terms)
            assert file.matches(project, ids, terms) == plain.matches(project, ids, terms)
            assert file.places(project, ids) == plain.places(project, ids)
            ranges = [
                VocabularyRange(prefix=term[:length], shortest=length, longest=length + extra)
                for term in chance.random.sample(known, 40)
                for length, extra in ((1, 2), (2, 60), (3, 0))
            ]
            for limit in (1, 7, 10_000):
                words = file.vocabulary(project, ranges, limit=limit)
                assert words == plain.vocabulary(project, ranges, limit=limit)
            for _ in range(60):
                groups, selection = chance.groups(known), chance.selection()
                limit = chance.random.choice((1, 5, 200))
                best = plain.best(project, groups, selection, limit=limit)
                assert file.best(project, groups, selection, limit=limit) == best


def test_only_the_best_are_returned_although_no_context_has_the_word_that_adds_to_them(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "RESCORED", 1)
    with closing(SqliteRepository(place)) as repository:
        ids = [save(repository, f"zebra {number}") for number in range(3)]
    finding = Group(terms=("zebra",), weight=1)
    adding = Group(terms=("unknown",), weight=1, finds=False)
    with reading(place) as file:
        found = file.best("general", [finding, adding], EVERY_CONTEXT, limit=3)
        assert [one.id for one in found] == ids[-1:]
        assert len(file.best("general", [finding], EVERY_CONTEXT, limit=3)) == 3


@pytest.mark.parametrize(("old", "new"), [("alpha", "beta"), ("beta", "alpha"), ("beta", "gamma")])
def test_projects_that_become_one_have_one_index(place: Path, old: str, new: str) -> None:
    chance = Chance(11)
    change_much(place, chance)  # old and recent postings of both, and what is in the trash
    with closing(SqliteRepository(place)) as repository:
        count = repository.summary(old).context_count
        assert 0 < repository.rename_project(old, new) == count
    assert index_flaws(place) == faults_within(place) == []
    assert rows(place, f"SELECT * FROM projects WHERE name = '{old}'") == []


@pytest.mark.long(but=2)
@pytest.mark.parametrize("seed", range(6, 6 + 4 * FACTOR))
def test_every_ranking_is_that_of_the_index_in_plain_python(place: Path, seed: int) -> None:
    chance = Chance(seed)
    change_much(place, chance)
    plain = in_memory(place)
    for _ in range(150):
        text = chance.text(7)
        if chance.random.random() < 0.3:
            text += f" {chance.random.choice(chance.words)[:-1]}zz"
        query = Query(
            project=chance.random.choice(PROJECTS),
            text=text,
            limit=chance.random.choice((1, 10, 50)),
            selection=chance.selection(),
        )
        with reading(place) as file:
            assert ranked(file, query) == ranked(plain, query), query


@pytest.mark.parametrize("minimum", [2, 5, 6, 10])
def test_the_best_of_an_importance_are_the_same_however_they_are_looked_for(
    place: Path, monkeypatch: pytest.MonkeyPatch, minimum: int
) -> None:
    chance = Chance(1)
    with closing(SqliteRepository(place)) as repository:
        repository.add_imported([chance.brought(number) for number in range(400)])
    plain = in_memory(place)
    selection = Selection(minimum_importance=minimum)
    groups = [Group(terms=(term,), weight=9) for term in plain.contexts[1].note.content.split()]
    for many in (0, 10_000):
        monkeypatch.setattr(reads, "_MANY", many)
        for limit in (1, 5, 40, 500):
            with reading(place) as file:
                best = file.best("alpha", groups, selection, limit=limit)
            assert best == plain.best("alpha", groups, selection, limit=limit)


def test_where_the_best_are_of_less_importance_the_others_are_looked_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "_MANY", 0)
    few, many = (
        Note(content="zebra", importance=1),
        Note(content="zebra " + "filler " * 40, importance=9),
    )
    one = replace(Chance(2).brought(0), project="alpha", note=few)
    other = replace(one, note=many)
    with closing(SqliteRepository(place)) as repository:
        repository.add_imported([replace(one, origin=f"one {number}") for number in range(100)])
        repository.add_imported([replace(other, origin=f"other {number}") for number in range(90)])
    plain = in_memory(place)
    groups, selection = [Group(terms=("zebra",), weight=5)], Selection(minimum_importance=2)
    with reading(place) as file:
        found = file.best("alpha", groups, selection, limit=20)
    assert found == plain.best("alpha", groups, selection, limit=20)
    assert len(found) == 20


@pytest.mark.parametrize("count", [20, 90])
def test_the_newer_of_two_equal_ones_comes_first(place: Path, count: int) -> None:
    with closing(SqliteRepository(place)) as repository:
        repository.add_imported(
            [replace(Chance(1).brought(1), origin=f"{n}") for n in range(count)]
        )
    plain = in_memory(place)
    (project,) = {one.project for one in plain.contexts.values()}
    first, second, *_ = sorted(term for _, term in plain.postings)
    for adds in ((), (Group(terms=(second,), weight=7, finds=False),)):
        with reading(place) as file:
            groups = [Group(terms=(first,), weight=3), *adds]
            found = file.best(project, groups, EVERY_CONTEXT, limit=9)
        assert [one.id for one in found] == list(range(count, count - 9, -1))


def test_a_search_sees_one_state_of_the_store(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteRepository(place)) as repository, closing(SqliteRepository(place)) as other:
        for number in range(3):
            save(repository, f"a zebra {number}")
        places = SqliteIndex.places

        def after_a_change(self: SqliteIndex, project: str, ids: list[int]) -> object:
            for one in ids:
                other.forget(one, project=None, permanently=True)
            return places(self, project, ids)

        monkeypatch.setattr(SqliteIndex, "places", after_a_change)
        assert found_contents(repository, "zebra") == ["a zebra 2", "a zebra 1", "a zebra 0"]
        assert found_contents(repository, "zebra") == []


def test_no_number_of_terms_or_groups_is_too_large(place: Path) -> None:
    with closing(SqliteRepository(place)) as repository:
        save(repository, " ".join(f"w{number}" for number in range(500)))
    terms = [f"w{number}" for number in range(500)]
    with reading(place) as file:
        asked = [f"{number}" for number in range(40_000)]
        assert sum(file.statistics("general", asked).df.values()) > 500
        groups = [
            *(Group(terms=(term,), weight=2) for term in terms),
            *(Group(terms=(term, terms[0]), weight=3) for term in terms[1:300]),
            *(Group(terms=(term,), weight=5, finds=False) for term in terms[:256]),
            Group(terms=tuple(terms), weight=7, finds=False),
        ]
        (best,) = file.best("general", groups, EVERY_CONTEXT, limit=10)
        assert file.matches("general", [1], terms) == {1: frozenset(terms)}
    impact = in_memory(place).postings["general", "w1"][1]
    assert best.score == impact * (2 * 500 + 3 * 299 + 5 * 256 + 7)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX rights")
def test_a_file_that_can_only_be_read_is_searched(reachable: Path) -> None:
    given = {"memory.db": 0o400, ".": 0o500}
    assert in_another_process(search_without_rights, reachable, given) == (["a zebra"], 0)


def test_a_start_and_a_load_import_nothing_of_the_index(place: Path) -> None:
    assert in_another_process(imported_by_a_load, place) == []
