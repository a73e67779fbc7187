"""The index in Redis answers as the plain one, is exact whatever happens, and is made anew."""

import random
import subprocess
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
import redis

from extended_memory.domain import (
    EVERY_CONTEXT,
    Change,
    Context,
    Note,
    PortableContext,
    Selection,
    TimeSpan,
)
from extended_memory.errors import StoreError
from extended_memory.search.analyzer import VERSION
from extended_memory.search.engine import Query, search
from extended_memory.search.index import Group, SearchIndex, VocabularyRange
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.redis.search import reads, writes
from extended_memory.storage.redis.search.reads import RedisIndex
from tests.support import memory_index
from tests.support.contract import save
from tests.support.memory_index import MemoryIndex
from tests.support.redis_calls import find
from tests.support.redis_checker import flaws
from tests.support.redis_servers import Cluster, Outage, RedisServer, until
from tests.support.rounds import FACTOR

PROJECTS = ("alpha", "a}:{b")
TAGS = ("api", "бд", "x y")
BEGINNINGS = ("ka", "to", "mi", "re", "ша", "до", "v2", "学", "🧠")
BEGAN = datetime(2024, 2, 28, 22, tzinfo=timezone.utc)


@pytest.fixture
def repository(server: RedisServer) -> Iterator[RedisRepository]:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        yield repository


class Chance:
    """Random contexts of few words, some of which are in most of them, and queries for them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.words = ["".join(self._some(BEGINNINGS, 1, 4)) for _ in range(120)]
        self.weights = [1 / rank for rank in range(1, len(self.words) + 1)]
        self._count = 0

    def text(self, longest: int) -> str:
        count = self.random.randint(1, longest)
        return " ".join(self.random.choices(self.words, self.weights, k=count))

    def tags(self) -> tuple[str, ...]:
        return tuple(sorted(set(self._some(TAGS, 0, 2))))

    def foreign(self) -> PortableContext:
        self._count += 1
        return PortableContext(
            origin=f"chance:{self._count}",
            project=self.random.choice(PROJECTS),
            note=Note(
                content=self.text(40), importance=self.random.randint(1, 10), tags=self.tags()
            ),
            created_at=BEGAN + timedelta(minutes=10 * self.random.randint(0, 40)),
        )

    def selection(self) -> Selection:
        since, until = sorted(BEGAN + timedelta(minutes=self.random.randint(0, 400)) for _ in "ab")
        return Selection(
            tags=self.random.choice([(), (), ("api",), TAGS, ("nobody",)]),
            minimum_importance=self.random.choice([1, 1, 5, 10]),
            span=TimeSpan(
                since=self.random.choice([None, since]), until=self.random.choice([None, until])
            ),
        )

    def group(self) -> Group:
        terms = tuple(dict.fromkeys(self._some([*self.words, "unknown", "2024"], 1, 4)))
        finds = self.random.random() < 0.6
        return Group(terms=terms, weight=self.random.randint(1, 9_000), finds=finds)

    def range(self) -> VocabularyRange:
        shortest = self.random.randint(1, 6)
        prefix = self.random.choice([*BEGINNINGS, "k", "ш", "", "nobody"])
        longest = shortest + self.random.randint(0, 9)
        return VocabularyRange(prefix=prefix, shortest=shortest, longest=longest)

    def _some(self, of: Any, least: int, most: int) -> list[str]:
        return self.random.choices(of, k=self.random.randint(least, most))


def change_some(repository: RedisRepository, chance: Chance, count: int) -> None:
    """Do to a store whatever can be done to the contexts of a store."""
    there = [context.id for context in repository.contexts_after(after=0, limit=10_000)]
    for number in range(count):
        chosen = chance.random.choice(there)
        match chance.random.choice(
            ["bring", "save", "text", "rest", "forget", "remove", "restore"]
        ):
            case "bring":
                repository.add_imported([chance.foreign()])
            case "save":
                project = chance.random.choice(PROJECTS)
                there.append(save(repository, chance.text(40), project=project).id)
            case "text":
                repository.update(chosen, Change(content=chance.text(40)), project=None)
            case "rest":
                other = Change(tags=chance.tags(), importance=1 + number % 10)
                repository.update(chosen, other, project=None)
            case "forget":
                repository.forget(chosen, project=None)
            case "remove":
                repository.forget(chosen, project=None, permanently=True)
            case "restore":
                repository.restore(chosen, project=None)
                repository.restore(chosen, project=None, revision=1)


def plain(repository: RedisRepository) -> MemoryIndex:
    """Return an index in memory of all that a store holds."""
    memory = MemoryIndex()
    for context in repository.contexts_after(after=0, limit=10_000):
        memory.add(context)
    return memory


def all_reads(of: SearchIndex, chance: Chance, project: str, ids: Collection[int]) -> list[Any]:
    """Ask an index for everything; the same random state asks the same."""
    terms = {*chance.random.choices(chance.words, k=9), "unknown", "2024"}
    groups = [chance.group() for _ in range(chance.random.randint(1, 5))]
    ranges = [chance.range() for _ in range(3)]
    selection, limit = chance.selection(), chance.random.choice([1, 7, 200])
    some = chance.random.sample(sorted(ids), min(len(ids), 30))
    query = Query(project=project, text=chance.text(6), limit=10, selection=selection)
    return [
        of.statistics(project, terms),
        of.vocabulary(project, ranges, limit=limit),
        of.best(project, groups, selection, limit=limit),
        of.places(project, some),
        {one: here for one, here in of.matches(project, some, terms).items() if here},
        search(of, query),
    ]


def assert_alike(repository: RedisRepository, chance: Chance, *, rounds: int) -> None:
    """Ask the store and a plain index the same, all reads and whole searches."""
    memory = plain(repository)
    for _ in range(rounds):
        project = chance.random.choice([*PROJECTS, "nobody"])
        ids = {one.id for one in memory.contexts.values() if one.project == project} | {10**6}
        state = chance.random.getstate()
        expected = all_reads(memory, chance, project, ids)
        chance.random.setstate(state)
        with repository._store.use():
            assert all_reads(RedisIndex(repository._store), chance, project, ids) == expected


@pytest.fixture(params=["in one piece", "in small pieces"])
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is read in pieces of thousands be read in small ones as well."""
    if request.param == "in small pieces":
        monkeypatch.setattr(reads, "_AT_A_TIME", 7)
        monkeypatch.setattr(reads, "_WORDS_AT_A_TIME", 3)
        monkeypatch.setattr(reads, "_POSTINGS_AT_A_TIME", 50)
        monkeypatch.setattr(reads, "_FEW", 20)
        for where in (reads, memory_index):
            monkeypatch.setattr(where, "RESCORED", 9)


@pytest.mark.long(but=1)
@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("seed", range(1, 1 + 2 * FACTOR))
def test_every_read_and_search_answers_as_the_plain_index_does(
    repository: RedisRepository, client: redis.Redis, seed: int
) -> None:
    chance = Chance(seed)
    repository.add_imported([chance.foreign() for _ in range(350)])
    for _ in range(4):
        change_some(repository, chance, 120)
        assert flaws(client) == []
        assert_alike(repository, chance, rounds=25)


@pytest.mark.long
def test_a_cluster_answers_as_the_plain_index_does() -> None:
    with (
        Cluster() as cluster,
        closing(RedisRepository(cluster.url, key_prefix="em")) as repository,
        cluster.client() as client,
    ):
        chance = Chance(3)
        repository.add_imported([chance.foreign() for _ in range(60)])
        change_some(repository, chance, 60)
        client.hset("em:m:{alpha}", "analyzer", "0")
        assert repository.index_newest(1_000) == 0
        assert flaws(client) == []
        assert_alike(repository, chance, rounds=20)


def test_terms_that_most_contexts_lose_are_tidied_up(
    repository: RedisRepository, client: redis.Redis
) -> None:
    saved = [save(repository, f"the common words and {number}") for number in range(260)]
    before = client.strlen("em:p:{alpha}:common")
    for number, context in enumerate(saved[:230]):
        repository.forget(context.id, project=None, permanently=number % 2 == 0)
        if number % 40 == 0:
            assert flaws(client) == []
            with repository._store.use():
                common = [Group(terms=("common",), weight=1)]
                best = RedisIndex(repository._store).best("alpha", common, EVERY_CONTEXT, limit=300)
            assert [one.id for one in best] == sorted(indexed(client), reverse=True)
    assert flaws(client) == []
    assert client.strlen("em:p:{alpha}:common") <= before // 2
    assert find(repository, "common").total == 30
    for context in saved[230:]:
        repository.forget(context.id, project=None)
    assert flaws(client) == []
    assert client.keys("em:p:*") == client.keys("em:e:*") == client.keys("em:w:*") == []


@pytest.mark.long
def test_a_context_of_thousands_of_terms_is_saved_changed_forgotten_and_found(
    repository: RedisRepository, client: redis.Redis
) -> None:
    words = [f"{number:x}z{number * 7919 % 10_007}" for number in range(9_000)]
    saved = save(repository, " ".join(words[:8_500]))
    save(repository, " ".join(words[2_000:4_000]))
    assert client.zcard("em:w:{alpha}") > 8_000  # more than Lua can unpack
    assert find(repository, words[17]).found[0].context == saved
    repository.update(saved.id, Change(content=" ".join(words[3_000:])), project=None)
    assert flaws(client) == []
    assert find(repository, words[8_999]).total == 1
    repository.forget(saved.id, project=None)
    assert flaws(client) == []
    repository.restore(saved.id, project=None)
    assert flaws(client) == []


def everything_held(server: RedisServer) -> bytes:
    """Return all names of keys and all that lies under them."""
    with server.client(decode_responses=False) as client:
        held = b""
        for key in client.scan_iter(count=1_000):
            held += b"\n" + key + b"\n"
            match client.type(key):
                case b"string":
                    held += client.get(key)
                case b"hash":
                    held += b"\n".join(chain_of(client.hgetall(key)))
                case b"list":
                    held += b"\n".join(client.lrange(key, 0, -1))
                case b"set":
                    held += b"\n".join(client.smembers(key))
                case b"zset":
                    held += b"\n".join(client.zrange(key, 0, -1))
        return held


def chain_of(values: dict[bytes, bytes]) -> Iterator[bytes]:
    for name, value in values.items():
        yield name
        yield value


@pytest.mark.parametrize("others", [3, 150], ids=["few", "many"])
def test_nothing_of_a_text_that_was_forgotten_permanently_is_left(
    repository: RedisRepository, server: RedisServer, client: redis.Redis, others: int
) -> None:
    for number in range(others):
        save(repository, f"common words {number}")
    secret = save(repository, "the common secretword of Geheimstadt", tags=("hushtag",))
    save(repository, "common words after")
    repository.update(secret.id, Change(content="the common Geheimwort"), project=None)
    hidden = (b"secretword", b"geheimstadt", b"geheimwort", b"hushtag")
    assert all(word in everything_held(server).lower() for word in hidden)
    repository.forget(secret.id, project=None)
    repository.forget(secret.id, project=None, permanently=True)
    held = everything_held(server).lower()
    assert [word for word in hidden if word in held] == []
    # Not even which of the words that others have as well were in it.
    assert find(repository, "common").total == min(others + 1, 200)
    for key in client.scan_iter(match="em:p:*"):
        postings = client.execute_command("GET", key, NEVER_DECODE=True)
        ids = [int.from_bytes(postings[at : at + 4], "little") for at in range(0, len(postings), 6)]
        assert secret.id not in ids
    assert flaws(client) == []


@pytest.mark.parametrize("days", [-400, -1, 1])
def test_a_context_has_the_date_of_the_server_whatever_the_clock_here_says(
    repository: RedisRepository, client: redis.Redis, days: int
) -> None:
    repository._store.hints.ahead = timedelta(days=days)
    first = save(repository, "note")
    repository._store.hints.ahead = timedelta(days=days)
    second = save(repository, "another")  # its id is guessed, and so is the day
    assert flaws(client) == []
    assert find(repository, f"{second.created_at:%Y%m%d}").total == 2
    assert abs(first.created_at - datetime.now(timezone.utc)) < timedelta(hours=1)
    assert second.id == first.id + 1


def spoil(client: redis.Redis, project: str = "alpha") -> None:
    """Let the index of a project be what an earlier analyzer left."""
    client.hset(f"em:m:{{{project}}}", "analyzer", "0")
    client.zadd(f"em:w:{{{project}}}", {f"old{number}": 0 for number in range(2_500)})
    client.mset({f"em:p:{{{project}}}:old{number}": "\1\0\0\0\1\0" for number in range(2_500)})


def forget_the_index(client: redis.Redis, project: str = "alpha") -> None:
    """Let a project be what it was before there was an index."""
    client.hdel(f"em:m:{{{project}}}", "analyzer")
    for kind in "owe":
        client.delete(f"em:{kind}:{{{project}}}")
    for key in list(client.scan_iter(match=f"em:p:{{{project}}}:*", count=1_000)):
        client.delete(key)


def indexed(client: redis.Redis, project: str = "alpha") -> set[int]:
    return {int(str(name)[1:]) for name in client.zrange(f"em:o:{{{project}}}", 0, -1)}


@pytest.mark.parametrize("harm", [spoil, forget_the_index])
def test_an_index_of_an_earlier_analyzer_or_none_is_made_anew_the_newest_first(
    repository: RedisRepository, client: redis.Redis, harm: Any
) -> None:
    saved = [save(repository, f"note {number}", importance=1 + number % 10) for number in range(9)]
    harm(client)
    page = find(repository, "note")
    assert (page.found, page.unindexed) == ((), 9)
    assert repository.index_newest(4) == 5
    assert indexed(client) == {context.id for context in saved[5:]}
    assert flaws(client, is_indexed=False) == []
    page = find(repository, "note")
    assert ({each.context.id for each in page.found}, page.unindexed) == (indexed(client), 5)
    assert repository.index_newest(100) == 0
    assert flaws(client) == []
    assert find(repository, "note").total == 9


def test_the_newest_of_all_projects_come_first(
    repository: RedisRepository, client: redis.Redis
) -> None:
    for number in range(12):
        save(repository, f"note {number}", project="abc"[number % 3])
        until(lambda: client.time()[1] % 1000 > 900, "the millisecond is over")
    for project in "abc":
        forget_the_index(client, project)
    assert repository.index_newest(5) == 7
    assert [indexed(client, project) for project in "abc"] == [{10}, {8, 11}, {9, 12}]
    assert repository.index_newest(7) == 0
    assert flaws(client) == []


def test_what_is_done_while_an_index_is_made_anew_keeps_it_exact(
    repository: RedisRepository, client: redis.Redis
) -> None:
    chance = Chance(5)
    repository.add_imported([chance.foreign() for _ in range(200)])
    for project in PROJECTS[:1]:
        spoil(client, project)
    left = 1
    while left:
        change_some(repository, chance, 30)
        left = repository.index_newest(20)
        assert flaws(client, is_indexed=False) == []
    assert flaws(client) == []
    assert_alike(repository, chance, rounds=20)


def test_a_change_of_an_index_of_an_earlier_analyzer_gives_it_up(
    repository: RedisRepository, client: redis.Redis
) -> None:
    first, second = save(repository, "a note"), save(repository, "another note")
    spoil(client)
    repository.forget(first.id, project=None)
    third = save(repository, "a third note")
    assert find(repository, "note").unindexed == 2
    assert repository.index_newest(9) == 0
    assert flaws(client) == []
    found = {each.context for each in find(repository, "note").found}
    assert found == {second, third}


def test_an_index_of_a_later_analyzer_is_left_to_the_release_that_made_it(
    repository: RedisRepository, client: redis.Redis
) -> None:
    saved = save(repository, "a note")
    client.hset("em:m:{alpha}", "analyzer", VERSION + 1)
    save(repository, "another note")
    assert repository.index_newest(9) == 0
    assert find(repository, "note").unindexed == 2
    assert indexed(client) == {saved.id}
    assert client.hget("em:m:{alpha}", "analyzer") == str(VERSION + 1)


def test_a_change_by_an_earlier_release_gives_an_index_of_a_later_one_up(
    repository: RedisRepository, client: redis.Redis
) -> None:
    first = save(repository, "a note")
    save(repository, "another note")
    client.hset("em:m:{alpha}", "analyzer", VERSION + 1)
    repository.forget(first.id, project=None)
    assert client.hget("em:m:{alpha}", "analyzer") is None
    assert repository.index_newest(9) == 0
    assert flaws(client) == []


def test_a_context_that_changes_while_it_is_indexed_is_indexed_as_it_is_then(
    repository: RedisRepository, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save(repository, "a note")
    forget_the_index(client)
    analysed = writes.impacts_of

    def changing(context: Context) -> dict[str, int]:
        monkeypatch.setattr(writes, "impacts_of", analysed)
        repository.update(saved.id, Change(content="something else"), project=None)
        return analysed(context)

    monkeypatch.setattr(writes, "impacts_of", changing)
    assert repository.index_newest(9) == 1
    assert flaws(client, is_indexed=False) == []
    assert repository.index_newest(9) == 0
    assert flaws(client) == []


def test_an_index_that_is_half_cleared_away_is_nobodys_and_one_that_is_ours_is_not_cleared(
    repository: RedisRepository, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(repository, "a note")
    spoil(client)
    run = repository._store.run

    def failing(name: str, *given: Any) -> Any:
        found = run(name, *given)
        if name == "reset":
            raise StoreError("The server died: start it.")
        return found

    monkeypatch.setattr(repository._store, "run", failing)
    with pytest.raises(StoreError):
        repository.index_newest(9)
    assert client.hget("em:m:{alpha}", "analyzer") is None
    monkeypatch.undo()
    assert repository.index_newest(9) == 0
    with repository._store.use():
        writes._reset(repository._store, "alpha")  # as another server that saw the index of before
    assert flaws(client) == []
    assert find(repository, "note").total == 1


def test_several_servers_index_at_once_and_nothing_is_there_twice(
    repository: RedisRepository, server: RedisServer, client: redis.Redis
) -> None:
    chance = Chance(6)
    repository.add_imported([chance.foreign() for _ in range(300)])
    for project in ("alpha", "a%7D%3A%7Bb"):
        spoil(client, project)

    def work(_: int) -> None:
        with closing(RedisRepository(server.url, key_prefix="em")) as own:
            while own.index_newest(17):
                pass

    with ThreadPoolExecutor(4) as threads:
        working = [threads.submit(work, number) for number in range(4)]
        change_some(repository, chance, 100)
        for each in working:
            each.result()
    assert repository.index_newest(1_000) == 0
    assert flaws(client) == []


INDEXING = """
import sys
from extended_memory.storage.redis.search import writes
from extended_memory.storage.redis.repository import RedisRepository
repository = RedisRepository(sys.argv[1], key_prefix="em")
while repository.index_newest(50): pass
"""


@pytest.mark.long
def test_a_server_killed_while_it_indexes_loses_and_doubles_nothing(
    repository: RedisRepository, server: RedisServer, client: redis.Redis
) -> None:
    chance = Chance(7)
    repository.add_imported([chance.foreign() for _ in range(600)])
    spoil(client)
    total = client.zcard("em:z:{alpha}")
    for least in (0, total // 5, total // 2):

        def has_begun(least: int = least) -> bool:
            analyzer = client.hget("em:m:{alpha}", "analyzer")
            return analyzer != "0" and client.zcard("em:o:{alpha}") > least

        with subprocess.Popen([sys.executable, "-c", INDEXING, server.url]) as process:
            until(has_begun, "it has begun")
            process.kill()
        assert flaws(client, is_indexed=False) == []
    assert len(indexed(client)) < total
    while repository.index_newest(1_000):
        pass
    assert flaws(client) == []


def changes(repository: RedisRepository, saved: Context) -> dict[str, Any]:
    """Return a call for each script that changes the index."""
    return {
        "save": partial(save, repository, "another note of it", tags=("b",)),
        "update": partial(
            repository.update, saved.id, Change(content="it is another"), project=None
        ),
        "forget": partial(repository.forget, saved.id, project=None),
        "index": partial(repository.index_newest, 9),
    }


@pytest.mark.long(but=1)
@pytest.mark.parametrize("call", ["save", "update", "forget", "restore", "index", "reset"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_reply_at_any_step_leaves_the_index_exact(
    repository: RedisRepository, server: RedisServer, client: redis.Redis, call: str, times: int
) -> None:
    saved = save(repository, "a note of it", tags=("a",))
    save(repository, "a second note of it")
    with (
        Outage(server) as outage,
        closing(RedisRepository(outage.url, key_prefix="em")) as behind,
    ):
        behind.prepare()
        calls = changes(behind, saved)
        if call == "restore":
            repository.forget(saved.id, project=None)
            calls["restore"] = partial(behind.restore, saved.id, project=None)
        if call == "index":
            forget_the_index(client)
        if call == "reset":
            spoil(client)
            calls["reset"] = calls["index"]
        outage.lose_reply(b"em:o:{alpha}", times=times)
        calls[call]()
        assert outage.lost == times
    assert flaws(client) == []
    assert find(repository, "note").unindexed == 0


def test_small_pieces_of_an_index_are_made_anew(
    repository: RedisRepository, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "_AT_A_TIME", 3)
    for number in range(20):
        save(repository, f"note {number}", importance=1 + number % 10)
    spoil_some = {f"old{number}": 0 for number in range(10)}
    client.hset("em:m:{alpha}", "analyzer", "0")
    client.zadd("em:w:{alpha}", spoil_some)
    assert [repository.index_newest(7) for _ in range(4)] == [13, 6, 0, 0]
    assert flaws(client) == []


LOADING = """
import sys
from extended_memory.domain import EVERY_CONTEXT
from extended_memory.storage.redis.search import writes
from extended_memory.storage.redis.repository import RedisRepository
repository = RedisRepository(sys.argv[1], key_prefix="em")
repository.load("alpha", EVERY_CONTEXT, limit=9, offset=0)
print(*(name for name in sys.modules if name.startswith(("extended_memory.search", "snowball"))))
"""


def test_a_load_does_not_import_what_a_search_needs(
    repository: RedisRepository, server: RedisServer
) -> None:
    save(repository, "note")
    command = [sys.executable, "-c", LOADING, server.url]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
