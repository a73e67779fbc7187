"""Each way in which a store in Redis can be wrong is found, and mended where that can be."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from extended_memory.domain import Change, Note
from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.redis import renaming
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import id_of
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import NO_TIME, tell
from tests.support.redis_checker import flaws
from tests.support.redis_servers import Cluster, RedisServer

Harm = Callable[[Any], object]

P = "{general}"

DERIVED: dict[str, tuple[Harm, Flaw]] = {
    "a context in no list": (lambda c: c.zrem(f"em:z:{P}", "a5"), Flaw.CONTEXT_UNLISTED),
    "an entry of nothing": (lambda c: c.zadd(f"em:z:{P}", {"b40": 5 * 2**43}), Flaw.CONTEXT_GONE),
    "another importance": (lambda c: c.zincrby(f"em:z:{P}", 2**43, "a5"), Flaw.CONTEXT_MISPLACED),
    "a tag's context": (lambda c: c.zrem(f"em:t:{P}:all", "a5"), Flaw.TAG_CONTEXTS),
    "a tag of another context": (lambda c: c.zadd(f"em:t:{P}:t1", {"a3": 1}), Flaw.TAG_CONTEXTS),
    "a count of a tag": (lambda c: c.zincrby(f"em:k:{P}", -4, "all"), Flaw.TAG_COUNT),
    "an orphan tag": (lambda c: c.zadd(f"em:k:{P}", {"orphan": -3}), Flaw.TAG_COUNT),
    "a missing tag": (lambda c: c.zrem(f"em:k:{P}", "all"), Flaw.TAG_COUNT),
    "times of a project": (lambda c: c.hset(f"em:m:{P}", "last_saved_at", 5), Flaw.PROJECT_TIMES),
    "no times of a project": (lambda c: c.hdel(f"em:m:{P}", "created_at"), Flaw.PROJECT_TIMES),
    "a sequence that went back": (lambda c: c.set("em:{g}:seq", 3), Flaw.ID_REUSABLE),
    "an id that is not noted": (lambda c: c.hdel("em:{g}:i:0", "4"), Flaw.ID_REUSABLE),
    "a time in the timeline": (lambda c: c.zincrby(f"em:o:{P}", 5, "a5"), Flaw.SEARCH_CONTEXTS),
    "found and not there": (lambda c: c.zadd(f"em:o:{P}", {"b90": 7}), Flaw.SEARCH_CONTEXTS),
    "postings that are gone": (lambda c: c.delete(f"em:p:{P}:tree"), Flaw.SEARCH_WORDS),
    "postings cut short": (
        lambda c: c.setrange(f"em:p:{P}:tree", 6, b"\x63\0\0\0"),
        Flaw.SEARCH_WORDS,
    ),
    "half a posting": (lambda c: c.append(f"em:p:{P}:tree", "abc"), Flaw.SEARCH_WORDS),
    "a word that is not listed": (lambda c: c.zrem(f"em:w:{P}", "tree"), Flaw.SEARCH_WORDS),
    "a word of nothing": (lambda c: c.zadd(f"em:w:{P}", {"nothing": 0}), Flaw.SEARCH_WORDS),
    "gaps that are not there": (lambda c: c.hset(f"em:e:{P}", "tree", 3), Flaw.SEARCH_WORDS),
}

LOST: dict[str, tuple[Harm, Flaw]] = {
    "a context that is no JSON": (lambda c: c.set(f"em:c:{P}:5", "{"), Flaw.CONTEXT_UNREADABLE),
    "in the trash without a text": (
        lambda c: c.zadd(f"em:x:{P}", {"b50": 7}),
        Flaw.TRASH_UNREADABLE,
    ),
    "forgotten in no list": (lambda c: c.set(f"em:y:{P}:1", "{}"), Flaw.TRASH_UNREADABLE),
    "earlier texts of nothing": (lambda c: c.rpush(f"em:v:{P}:20", "{}"), Flaw.REVISION_ORPHANED),
    "earlier texts that are no JSON": (
        lambda c: c.rpush(f"em:v:{P}:6", "{"),
        Flaw.REVISION_UNREADABLE,
    ),
}


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    """Give a client to a store with contexts of one project, some of them changed or gone."""
    with server.client() as client:
        with closing(RedisRepository(server.url, key_prefix="em")) as repository:
            fill(repository)
        assert flaws(client) == []
        yield client


def fill(repository: RedisRepository) -> None:
    for number in range(1, 21):
        repository.save(
            "general",
            Note(
                content=f"note {number} of the tree", importance=5, tags=("all", f"t{number % 3}")
            ),
            repeat_within=NO_TIME,
        )
    repository.update(6, Change(content="the tree is another one"), project=None)
    repository.forget(9, project=None)
    repository.forget(20, project=None, permanently=True)


class KilledError(Exception):
    """Stands for the end of a process."""


def found(server: RedisServer) -> tuple[Finding, ...]:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        return repository.check(tell)


def repair(server: RedisServer) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        repository.repair(repository.check(tell))
        while repository.index_newest(10):
            pass


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_derived_is_found_and_rebuilt(server: RedisServer, client: Any, name: str) -> None:
    harm, flaw = DERIVED[name]
    kept = {key: client.get(key) for key in client.keys("em:c:*")}
    harm(client)
    assert flaw in {one.flaw for one in found(server)}
    assert flaw.can_be_rebuilt
    repair(server)
    assert found(server) == ()
    assert flaws(client) == []
    assert {key: client.get(key) for key in client.keys("em:c:*")} == kept


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_rebuilt_is_said_and_left_as_it_is(
    server: RedisServer, client: Any, name: str
) -> None:
    harm, flaw = LOST[name]
    harm(client)
    texts = {key: client.dump(key) for kind in "cyvx" for key in client.keys(f"em:{kind}:*")}
    assert flaw in {one.flaw for one in found(server)}
    assert not flaw.can_be_rebuilt
    repair(server)
    assert flaw in {one.flaw for one in found(server)}
    after = {key: client.dump(key) for kind in "cyvx" for key in client.keys(f"em:{kind}:*")}
    assert after == texts


def test_what_a_move_that_was_killed_left_on_its_way_is_found_and_arrives(
    server: RedisServer, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive = renaming._arrive

    def killed(store: Store, old: str, name: str, *what: Any) -> None:
        if id_of(name) == 6:
            raise KilledError
        arrive(store, old, name, *what)

    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        with monkeypatch.context() as patched:
            patched.setattr(renaming, "_arrive", killed)
            with pytest.raises(KilledError):
                repository.rename_project("general", "other")
        (finding,) = repository.check(tell)
        assert finding == Finding(flaw=Flaw.MOVE_UNFINISHED, count=1)
        repository.repair([finding])
        assert repository.check(tell) == ()
        (context,) = repository.get([6], project="other")
        assert context.note.content == "the tree is another one"
        assert len(repository.revisions(6, project="other", limit=9)) == 1
    assert flaws(client) == []


@pytest.mark.long
def test_a_store_on_a_cluster_is_looked_through_and_mended() -> None:
    with (
        Cluster() as cluster,
        cluster.client() as client,
        closing(RedisRepository(cluster.url, key_prefix="em")) as repository,
    ):
        fill(repository)
        assert repository.check(tell) == ()
        client.zrem(f"em:t:{P}:all", "a5")
        client.delete(f"em:p:{P}:tree")
        assert {one.flaw.part for one in repository.check(tell)} == {"tags", "search"}
        repository.repair(repository.check(tell))
        while repository.index_newest(10):
            pass
        assert repository.check(tell) == ()
