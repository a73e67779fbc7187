"""A call goes on through a short outage, is done once, and a store is used when it is there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta

import pytest
import redis

from extended_memory.errors import StoreError
from extended_memory.storage.redis.connection import store
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import NO_TIME, TEN_MINUTES, load, save
from tests.support.redis_calls import FOREIGN, end, prepare
from tests.support.redis_checker import flaws
from tests.support.redis_faults import Fault, down, hung
from tests.support.redis_servers import PATIENCE, Outage, RedisServer, until

RESERVE = b"em:{g}:seq"
"""What the request of a save's first step holds, and no other."""

STORE = b"em:z:{alpha}"
"""What the requests that store, load or remove something in the project hold."""

BODY = b"em:c:{alpha}:1"
ORIGIN = b"$4\r\nHSET\r\n"


@pytest.fixture
def repository(server: RedisServer, outage: Outage) -> Iterator[RedisRepository]:
    """Give one behind the network; the server has the scripts, so each step is one request."""
    with closing(RedisRepository(server.url, key_prefix="em")) as direct:
        direct.forget(save(direct, "to load the scripts").id, project=None)
    with server.client() as client:
        client.flushall()
    with closing(RedisRepository(outage.url, key_prefix="em")) as repository:
        repository.prepare()
        yield repository


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("window", [NO_TIME, TEN_MINUTES])
@pytest.mark.parametrize("step", [RESERVE, STORE])
def test_a_save_whose_reply_is_lost_is_stored_once(
    repository: RedisRepository,
    outage: Outage,
    client: redis.Redis,
    step: bytes,
    window: timedelta,
    times: int,
) -> None:
    outage.lose_reply(step, times=times)
    saved = save(repository, "note", tags=("a", "b"), repeat_within=window)
    assert outage.lost == times
    assert load(repository).contexts == (saved,)
    assert flaws(client) == []


@pytest.mark.long
def test_a_save_that_is_retried_by_its_caller_is_stored_once(
    repository: RedisRepository, outage: Outage, client: redis.Redis
) -> None:
    outage.lose_reply(STORE, times=10_000)
    assert end(lambda it: save(it, "note", tags=("a",)), repository).refuses_with(
        "cannot be reached"
    )
    outage.lose_reply(times=0)
    saved = save(repository, "note", tags=("a",))
    assert load(repository).contexts == (saved,)
    assert flaws(client) == []


@pytest.mark.parametrize(
    ("step", "project"),
    # Where the project is named, nobody has to be asked for it.
    [(b"em:{g}:i:0", None), (BODY, None), (BODY, "alpha"), (STORE, None), (STORE, "alpha")],
)
def test_forgetting_whose_reply_is_lost_names_the_project(
    repository: RedisRepository,
    outage: Outage,
    client: redis.Redis,
    step: bytes,
    project: str | None,
) -> None:
    saved = save(repository, "note", tags=("a", "b"))
    outage.lose_reply(step)
    assert repository.forget(saved.id, project=project) == "alpha"
    assert outage.lost == 1
    assert load(repository).total == 0
    assert flaws(client) == []


@pytest.mark.parametrize("step", [RESERVE, STORE, ORIGIN])
def test_what_is_brought_while_a_reply_is_lost_is_there_once(
    repository: RedisRepository, outage: Outage, client: redis.Redis, step: bytes
) -> None:
    outage.lose_reply(step)
    assert repository.add_imported([FOREIGN]) == 1
    assert outage.lost == 1
    assert repository.add_imported([FOREIGN]) == 0
    assert [context.note.content for context in load(repository).contexts] == [FOREIGN.note.content]
    assert flaws(client) == []


@pytest.mark.long
@pytest.mark.parametrize("step", [STORE, ORIGIN])
def test_bringing_again_after_an_outage_brings_what_is_missing(
    repository: RedisRepository, outage: Outage, client: redis.Redis, step: bytes
) -> None:
    outage.lose_reply(step, times=10_000)
    with pytest.raises(StoreError, match="cannot be reached"):
        repository.add_imported([FOREIGN])
    outage.lose_reply(times=0)
    repository.add_imported([FOREIGN])
    assert [context.note.content for context in load(repository).contexts] == [FOREIGN.note.content]
    assert repository.add_imported([FOREIGN]) == 0
    assert flaws(client) == []


def test_a_restart_is_not_noticed(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", PATIENCE)  # a busy machine restarts slowly
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        first = save(repository, "before")
        server.terminate()
        with ThreadPoolExecutor() as threads:
            saving = threads.submit(save, repository, "meanwhile")
            server.restart()
        assert load(repository).contexts == (saving.result(), first)


def test_a_network_that_comes_back_soon_is_not_noticed(
    repository: RedisRepository, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", PATIENCE)
    saved = save(repository, "note")
    outage.refuse()
    with ThreadPoolExecutor() as threads:
        loading = threads.submit(load, repository)
        until(loading.running, "the call runs")
        outage.accept()
        assert loading.result().contexts == (saved,)


@pytest.mark.long
@pytest.mark.parametrize("fault", [down, hung])
def test_a_server_that_fails_at_the_start_is_used_when_it_is_back(
    server: RedisServer, fault: Fault
) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        with fault(server), ThreadPoolExecutor(8) as threads:
            # All at once, because each of them connects: none may wait for all the others.
            found = list(threads.map(lambda _: end(prepare, repository), range(8)))
        assert [each for each in found if not each.refuses_with("check that it is running")] == []
        saved = save(repository, "note")
        assert load(repository).contexts == (saved,)


def test_closing_a_store_during_a_call_loses_nothing(
    server: RedisServer, client: redis.Redis
) -> None:
    def is_held() -> bool:
        return any("b" in each["flags"] for each in client.client_list())

    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        save(repository, "before")
        client.client_pause(60_000, all=False)
        with ThreadPoolExecutor() as threads, suppress(StoreError):
            saving = threads.submit(save, repository, "meanwhile")
            until(is_held, "the server holds the call back")
            repository.close()
            client.client_unpause()
            saving.result()
        save(repository, "meanwhile")
        assert [context.note.content for context in load(repository).contexts] == [
            "meanwhile",
            "before",
        ]
    assert flaws(client) == []
