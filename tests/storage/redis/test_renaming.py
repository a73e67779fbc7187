"""A project that is renamed context by context: nothing is lost, wherever the call ends."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from extended_memory.errors import StoreError
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.connection import store
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import load, save
from tests.support.moves import NOON, filled, held, renamed, with_past
from tests.support.redis_checker import flaws
from tests.support.redis_servers import Cluster, Outage, RedisServer
from tests.support.rounds import FACTOR

SPAWN = multiprocessing.get_context("spawn")

KILLS = 6 * FACTOR

BROUGHT = [
    with_past(1),
    with_past(2, tags=("b",), forgotten_at=NOON),
    with_past(3, project="beta", tags=("a",)),
]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(tcp=True) as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        yield client
        assert flaws(client) == []


@pytest.fixture
def repository(server: RedisServer, client: redis.Redis) -> Iterator[RedisRepository]:
    """Give a repository whose server knows every script, so that each step is one request."""
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        repository.add_imported(BROUGHT)
        repository.rename_project("alpha", "beta")
        client.flushall()
        yield repository


def ids(repository: MemoryRepository) -> set[int]:
    contexts, trash, _ = held(repository)
    return {context.id for context in [*contexts, *(one.context for one in trash)]}


def on_the_way(client: redis.Redis, project: str = "alpha") -> set[int]:
    noted = client.hgetall(f"em:n:{{{project}}}")
    return {int(name[1:]) for name, note in noted.items() if note}


def rename(url: str) -> None:
    with closing(RedisRepository(url, key_prefix="em")) as repository:
        repository.rename_project("alpha", "beta")


def test_a_rename_that_ends_after_any_of_its_steps_is_completed_by_the_next(
    repository: RedisRepository,
    server: RedisServer,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0.0)
    ended, hidden = 0, 0
    with Outage(server) as outage, closing(RedisRepository(outage.url, key_prefix="em")) as other:
        other.prepare()
        is_whole = False
        while not is_whole:
            client.flushall()
            repository.add_imported(BROUGHT)
            before = held(repository)
            outage.lose_reply(skip=ended, times=10_000)
            try:
                other.rename_project("alpha", "beta")
                is_whole = True
            except StoreError:
                ended += 1
            outage.lose_reply(times=0)
            assert flaws(client) == []
            missing = {1, 2, 3} - ids(repository)
            assert missing <= on_the_way(client)
            assert len(missing) <= 1
            hidden += len(missing)
            repository.rename_project("alpha", "beta")
            assert held(repository) == renamed(before, "alpha", "beta")
            assert repository.project("alpha") is None
            assert flaws(client) == []
    assert ended > 20
    assert hidden > 4
    assert client.keys("*n:{*") == client.keys("em:?:{alpha}:*") == []


def test_a_rename_of_which_any_reply_is_lost_is_done_once(
    repository: RedisRepository, server: RedisServer, client: redis.Redis
) -> None:
    lost = 0
    with Outage(server) as outage, closing(RedisRepository(outage.url, key_prefix="em")) as other:
        other.prepare()
        while outage.lost == lost:
            client.flushall()
            repository.add_imported(BROUGHT)
            before = held(repository)
            outage.lose_reply(skip=lost)
            assert other.rename_project("alpha", "beta") == 1
            assert held(repository) == renamed(before, "alpha", "beta")
            assert flaws(client) == []
            lost += 1
    assert lost > 20


@pytest.mark.long
def test_a_rename_that_is_killed_again_and_again_loses_nothing(
    repository: RedisRepository, server: RedisServer, client: redis.Redis
) -> None:
    filled(repository, "alpha", "beta", "gamma", "delta")
    repository.rename_project("delta", "alpha")
    before, all_ids = held(repository), ids(repository)
    chance = random.Random(7)
    kills = 0
    while kills < KILLS and (repository.project("alpha") is not None or on_the_way(client)):
        left = client.zcard("em:z:{alpha}")
        process = SPAWN.Process(target=rename, args=(server.url,))
        process.start()
        while process.is_alive() and client.zcard("em:z:{alpha}") == left:
            pass
        time.sleep(chance.random() / 20)
        process.kill()
        process.join()
        kills += process.exitcode != 0
        assert flaws(client) == []
        missing = all_ids - ids(repository)
        assert missing <= on_the_way(client)
        assert len(missing) <= 1
    repository.rename_project("alpha", "beta")
    assert held(repository) == renamed(before, "alpha", "beta")
    assert kills > 1


def departed(client: redis.Redis, server: RedisServer, repository: RedisRepository) -> None:
    """Let a rename end when the first context has arrived and is still noted where it left."""
    with Outage(server) as outage, closing(RedisRepository(outage.url, key_prefix="em")) as other:
        other.prepare()
        outage.lose_reply(b"em:v:{beta}:1", times=10_000)
        with pytest.raises(StoreError):
            other.rename_project("alpha", "beta")
    assert on_the_way(client) == {1}
    assert [context.id for context in load(repository, "beta").contexts] == [3, 1]


@pytest.mark.parametrize("permanently", [False, True])
def test_what_arrived_and_was_forgotten_since_does_not_arrive_again(
    repository: RedisRepository,
    server: RedisServer,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    permanently: bool,
) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0.0)
    repository.add_imported(BROUGHT)
    departed(client, server, repository)
    repository.forget(1, project=None, permanently=permanently)
    repository.rename_project("alpha", "beta")
    assert [context.id for context in load(repository, "beta").contexts] == [3]
    trash = {one.context.id for one in repository.trash(project="beta", limit=9)}
    assert trash == ({2} if permanently else {1, 2})
    assert (repository.restore(1, project=None) is None) is permanently


def test_what_arrived_can_go_back_before_it_is_cleared_away_where_it_left(
    repository: RedisRepository,
    server: RedisServer,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0.0)
    repository.add_imported(BROUGHT)
    before = held(repository)
    departed(client, server, repository)
    repository.rename_project("beta", "alpha")
    assert held(repository) == renamed(before, "beta", "alpha")
    repository.rename_project("alpha", "beta")
    assert held(repository) == renamed(before, "alpha", "beta")


def test_what_two_renames_move_at_once_is_in_one_of_their_projects(
    repository: RedisRepository, server: RedisServer, client: redis.Redis
) -> None:
    filled(repository, "alpha")
    all_ids = ids(repository)
    processes = [SPAWN.Process(target=rename, args=(server.url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert ids(repository) == all_ids
    assert [project.name for project in repository.projects()] == ["beta"]
    assert on_the_way(client) == set()


@pytest.mark.long
def test_a_cluster_renames_a_project() -> None:
    with Cluster() as cluster, closing(RedisRepository(cluster.url, key_prefix="em")) as repository:
        filled(repository, "alpha", "beta")
        before, summary = held(repository), repository.summary(None)
        assert repository.rename_project("alpha", "gamma") == 24
        assert held(repository) == renamed(before, "alpha", "gamma")
        assert repository.rename_project("gamma", "beta") == 24
        assert held(repository) == renamed(before, "alpha", "beta")
        assert repository.summary(None) == summary
        saved = save(repository, "note")
        assert repository.contexts_after(after=saved.id - 1, limit=9) == (saved,)
