"""A query answered, over the index in plain Python."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extended_memory.domain import EVERY_CONTEXT, Context, Note, Selection, TimeSpan
from extended_memory.search.engine import Match, Query, Ranking, Suggestion, search
from extended_memory.search.index import POOL, RESCORED
from tests.support.memory_index import MemoryIndex

NOON = datetime(2023, 5, 8, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)


class Memory:
    """An index and a counter: contexts a day apart unless said otherwise."""

    def __init__(self, *contents: str) -> None:
        self.index = MemoryIndex()
        self.count = 0
        for content in contents:
            self.save(content)

    def save(
        self,
        content: str,
        *,
        project: str = "general",
        importance: int = 5,
        tags: tuple[str, ...] = (),
        at: datetime | None = None,
    ) -> int:
        self.count += 1
        self.index.add(
            Context(
                id=self.count,
                project=project,
                note=Note(content=content, importance=importance, tags=tags),
                created_at=NOON + self.count * DAY if at is None else at,
            )
        )
        return self.count

    def search(
        self,
        text: str,
        *,
        project: str = "general",
        limit: int = 10,
        selection: Selection = EVERY_CONTEXT,
    ) -> Ranking:
        return search(
            self.index,
            Query(project=project, text=text, limit=limit, selection=selection),
        )

    def found(self, text: str, **options: object) -> list[int]:
        return [hit.id for hit in self.search(text, **options).hits]  # type: ignore[arg-type]

    def matches(self, text: str) -> list[tuple[Match, ...]]:
        return [hit.matches for hit in self.search(text).hits]


def test_a_question_finds_what_answers_it() -> None:
    memory = Memory(
        "Dana is allergic to peanuts; allergy pills in the drawer.",
        "Принято решение: базой данных будет PostgreSQL.",
        "The project database moved to Oslo.",
    )
    assert memory.found("When did Dana say she could not eat peanuts?") == [1]
    assert memory.found("Когда мы решили перейти на PostgreSQL и почему?")[0] == 2


@pytest.mark.parametrize("query", ["", "???", "  ", "\0", "' -- ;"])
def test_a_query_without_a_word_finds_nothing(query: str) -> None:
    assert Memory("Something.").search(query) == Ranking()


def test_an_empty_store_answers() -> None:
    assert Memory().search("anything") == Ranking()


def test_more_words_of_the_query_rank_higher() -> None:
    memory = Memory("redis", "redis cluster", "cluster of stars", "something else")
    assert memory.found("redis cluster")[0] == 2
    assert set(memory.found("redis cluster")) == {1, 2, 3}


def test_the_score_says_how_much_of_the_query_was_found() -> None:
    content = "redis cluster " + "filler " * 117 + "x"
    memory = Memory(content, "redis " + "filler " * 119, *["other"] * 8)
    full, half = memory.search("redis cluster").hits
    assert full.score == pytest.approx(1.0)
    assert 0.3 < half.score < 0.5
    (partly,) = (hit for hit in memory.search("cluster zebra").hits)
    assert partly.score < 0.5


def test_a_score_is_never_above_one() -> None:
    assert Memory("redis " * 50).search("redis").hits[0].score == 1.0


def test_contexts_without_a_word_of_the_query_are_not_found_next_to_one() -> None:
    memory = Memory()
    memory.save("Where is the key?", at=NOON)
    memory.save("Under the mat.", at=NOON + timedelta(minutes=1))
    assert memory.found("key") == [1]


def test_a_neighbour_with_a_word_of_the_query_lifts_a_context() -> None:
    memory = Memory()
    near = memory.save("the key", at=NOON)
    memory.save("a key under some mat at home", at=NOON + timedelta(minutes=30))
    memory.save("the key", importance=9, at=NOON + timedelta(minutes=61))
    assert memory.found("key")[0] == near


def test_ties_go_to_importance_then_to_the_later_time_then_to_the_newer_id() -> None:
    memory = Memory()
    memory.save("redis", importance=5, at=NOON + DAY)
    memory.save("redis", importance=9, at=NOON - 9 * DAY)
    memory.save("redis", importance=5, at=NOON + 9 * DAY)
    memory.save("redis", importance=5, at=NOON + DAY + timedelta(hours=1))
    memory.save("redis", importance=5, at=NOON + 9 * DAY)
    # Those of one time are neighbours, and lift each other alike; those of 1 and 4 are none.
    assert memory.found("redis")[:2] == [5, 3]
    assert memory.found("redis")[2:] == [2, 4, 1]


def test_a_word_that_every_context_has_finds_them_all() -> None:
    memory = Memory(*["redis"] * 30)
    assert memory.found("redis", limit=50) == list(range(30, 0, -1))


def test_no_more_than_the_limit_is_returned_and_all_found_are_counted() -> None:
    memory = Memory(*["redis"] * (POOL + 5))
    ranking = memory.search("redis", limit=3)
    assert len(ranking.hits) == 3
    assert ranking.found == POOL


def test_a_common_word_finds_only_where_no_rarer_one_does() -> None:
    memory = Memory(*["note"] * 2001, "note about redis", "text about redis")
    assert set(memory.found("redis note")) == {2002, 2003}
    assert memory.found("redis note")[0] == 2002
    assert len(memory.found("note")) == 10
    assert len(memory.found("note zebra")) == 10


def test_the_least_common_of_common_words_finds_and_the_others_rank() -> None:
    memory = Memory(*["note"] * 600, *["text"] * 2400, *["note text"] * 2100)
    assert set(memory.found("note text", limit=POOL)) <= set(range(3001, 5101))
    memory.save("text", tags=("rare",))
    assert memory.found("note text", selection=Selection(tags=("rare",))) == [5101]


def test_common_words_rank_the_best_of_what_is_found_and_no_more() -> None:
    ballast = "filler " * 60
    memory = Memory(*["redis"] * RESCORED, *["note"] * 3001, f"{ballast} redis note")
    assert RESCORED + 3002 not in memory.found("redis note", limit=POOL)
    memory.index.remove(1)
    assert memory.found("redis note")[0] == RESCORED + 3002


def test_words_of_tags_and_of_the_date_find() -> None:
    memory = Memory()
    memory.save("Something", tags=("code review",), at=NOON)
    memory.save("Something", at=NOON + 60 * DAY)
    assert memory.found("review") == [1]
    assert memory.found("what happened in May 2023")[0] == 1
    assert memory.found("что было в июле") == [2]
    assert memory.found("2023-05-08")[0] == 1
    assert memory.found("08.05.2023")[0] == 1


def test_filters_apply_before_the_cut() -> None:
    memory = Memory(*["redis redis"] * (POOL + 10))
    rare = memory.save("redis among many other words", tags=("rare",), importance=9)
    assert rare not in memory.found("redis", limit=POOL)
    assert memory.found("redis", selection=Selection(tags=("rare", "absent"))) == [rare]
    assert memory.found("redis", selection=Selection(minimum_importance=9)) == [rare]
    moment = NOON + rare * DAY
    assert memory.found("redis", selection=Selection(span=TimeSpan(since=moment))) == [rare]
    assert rare not in memory.found(
        "redis", selection=Selection(span=TimeSpan(until=moment)), limit=POOL
    )
    assert memory.found("redis", selection=Selection(span=TimeSpan(since=moment + DAY))) == []


def test_a_forgotten_context_is_not_found() -> None:
    memory = Memory("redis", "redis")
    memory.index.remove(2)
    assert memory.found("redis") == [1]


def test_a_context_removed_between_two_reads_is_left_out() -> None:
    class Racing(MemoryIndex):
        def best(self, *arguments, **options):  # type: ignore[no-untyped-def]
            found = super().best(*arguments, **options)
            if 2 in self.contexts:
                self.remove(2)
            return found

    memory = Memory()
    memory.index = Racing()
    memory.save("redis")
    memory.save("redis")
    assert memory.found("redis") == [1]


@pytest.mark.parametrize(
    ("query", "content", "matches"),
    [
        ("Deploying services", "We deployed it.", [Match(word="Deploying")]),
        ("getUserById", "see get_user_by_id", [Match(word="getUserById")]),
        ("getUserById", "the user", [Match(word="user")]),
        ("机器学习密码", "学习机器", [Match(word="机器"), Match(word="学习")]),
        ("机器学习", "用机器学习", [Match(word="机器学习")]),
        ("Redis redis REDIS", "redis", [Match(word=word) for word in ("Redis", "redis", "REDIS")]),
        ("kuberntes", "Kubernetes", [Match(word="kuberntes", taken_for="kubernet")]),
        ("конфиг", "Конфигурация", [Match(word="конфиг", taken_for="конфигурац")]),
        ("C++ 🚀", "C++ 🚀", [Match(word="C++"), Match(word="🚀")]),
    ],
)
def test_a_hit_says_which_words_matched(query: str, content: str, matches: list[Match]) -> None:
    assert Memory(content, "something else").matches(query) == [tuple(matches)]


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("猫", "小猫喜欢晒太阳。"),
        ("猫", "大猫"),
        ("猫 Oslo", "小猫喜欢晒太阳。"),
        ("강", "한강에서 만나요"),
        ("กา", "มีกาแฟ"),
        ("postgre", "We use PostgreSQL 16."),
        ("kuber", "Kubernetes cluster"),
        ("авторизцаия", "При авторизациях"),
        ("toplantıda", "Toplantılar"),
        ("talo", "talossa"),
        ("jrenkins", "Jenkins"),
    ],
)
def test_a_rare_word_stands_for_words_like_it(query: str, content: str) -> None:
    assert Memory("nothing of it", content).found(query) == [2]


def test_a_ranking_brings_the_terms_to_cut_a_passage_by() -> None:
    ranking = Memory("Kubernetes cluster").search("kuberntes clusters")
    assert ranking.terms == {"kubernt", "kubernet", "cluster"}


def test_the_word_itself_ranks_above_words_like_it() -> None:
    memory = Memory("configuration", "configure", "config")
    assert memory.found("config")[0] == 3


def test_a_project_sees_nothing_of_another_one() -> None:
    memory = Memory()
    mine = memory.save("kube notes of mine", project="mine", at=NOON)
    memory.save("Kubernetes kuberflow secret", project="theirs", at=NOON + timedelta(minutes=1))
    also_mine = memory.save("kube", project="mine", at=NOON + timedelta(minutes=2))
    for query in ("kubernetes", "kuberntes", "secert", "secret", "kuberflow"):
        ranking = memory.search(query, project="mine")
        assert {hit.id for hit in ranking.hits} <= {mine, also_mine}
        shown = [match.taken_for for hit in ranking.hits for match in hit.matches]
        shown += [suggestion.term for suggestion in ranking.suggestions]
        assert not {"kubernet", "kuberflow", "secret"} & set(shown)


def test_near_words_of_the_project_are_suggested_where_nothing_is_found() -> None:
    memory = Memory("Blocked by jira", "Jira board", "Kanban")
    memory.save("jirb", project="other")
    assert memory.search("jria") == Ranking(suggestions=(Suggestion(term="jira", context_id=2),))
    assert memory.search("xjira").suggestions[0].term == "jira"
    assert memory.search("zzzz") == Ranking()
    assert memory.search("jira").suggestions == ()


def test_nothing_is_suggested_for_words_that_filters_hide() -> None:
    assert Memory("jira").search("jira", selection=Selection(tags=("absent",))) == Ranking()


@given(st.text(max_size=300), st.text(max_size=100))
@settings(max_examples=200)
def test_any_query_is_answered_over_any_text(content: str, query: str) -> None:
    ranking = Memory(content, query).search(query)
    assert all(0 < hit.score <= 1 and hit.matches for hit in ranking.hits)


def test_a_query_of_any_length_is_answered() -> None:
    text = " ".join(f"word{number}" for number in range(3000))
    assert Memory(text).found(text) == [1]
