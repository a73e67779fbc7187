"""Behind Sentinel a store follows its primary: what was acknowledged stays, no id comes twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from extended_memory.domain import Context
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import load, save
from tests.support.redis_calls import PATIENCE_SECONDS, End, end, ends, prepare, unlike
from tests.support.redis_checker import flaws
from tests.support.redis_faults import Fault, down, hung
from tests.support.redis_servers import SERVICE, RedisServer, SentinelSetup, until

WORDS = "cannot be reached|does not answer in time|has no primary|read-only replica|is not complete"
"""What may be said while the primary is missing."""


@pytest.fixture
def setup() -> Iterator[SentinelSetup]:
    with SentinelSetup() as setup:
        yield setup


@pytest.fixture
def repository(setup: SentinelSetup) -> Iterator[RedisRepository]:
    with closing(RedisRepository(setup.url, key_prefix="em")) as repository:
        yield repository


def offset(server: RedisServer) -> int:
    """Return how far a server's replication is."""
    with server.client() as client:
        return int(client.info("replication")["master_repl_offset"])


def save_until_served(repository: RedisRepository, content: str) -> tuple[Context, list[End]]:
    """Save again and again until it is stored; return the context, and what was said before."""
    refused: list[End] = []
    while True:
        ended = end(lambda it: save(it, f"{content} {len(refused)}", tags=("a",)), repository)
        if isinstance(ended.answer, Context):
            return ended.answer, refused
        refused.append(ended)
        assert len(refused) < 20


@pytest.mark.long
@pytest.mark.parametrize("fault", [down, hung])
def test_a_failover_loses_nothing_and_gives_no_id_twice(
    setup: SentinelSetup, repository: RedisRepository, fault: Fault
) -> None:
    before = [save(repository, f"before {number}", tags=("a", "b")) for number in range(20)]
    gone = before.pop()
    assert repository.forget(gone.id, project=None) == "alpha"
    until(lambda: offset(setup.replica) == offset(setup.primary), "the replica has it all")

    with fault(setup.primary):
        during, refused = save_until_served(repository, "during")
        assert setup.replica.role() == "master"
        again = save(repository, "again")
    until(lambda: setup.primary.role() == "slave", "the old primary follows")
    after = save(repository, "after")

    assert [each for each in refused if not each.refuses_with(WORDS)] == []
    saved = [*before, during, again, after]
    assert load(repository).contexts == tuple(reversed(saved))
    assert len({gone.id, *(context.id for context in saved)}) == len(saved) + 1
    with setup.replica.client() as client:
        assert flaws(client) == []


@pytest.mark.long
def test_a_hung_primary_without_a_failover_is_a_sentence(
    setup: SentinelSetup, repository: RedisRepository
) -> None:
    saved = save(repository, "note", tags=("a", "b"))
    with setup.sentinel.client() as sentinel:
        sentinel.sentinel_set(SERVICE, "down-after-milliseconds", 60_000)
    with (
        hung(setup.primary),
        closing(RedisRepository(setup.url, key_prefix="em")) as late,
        ThreadPoolExecutor() as threads,
    ):
        opening = threads.submit(end, prepare, late)
        found = ends(repository) | {"prepare": opening.result()}
    assert unlike(found, "does not answer in time") == {}
    # What the server was sent it does when it goes on, and the same save again is that one.
    another = save(repository, "another", tags=("a",))
    assert load(repository).contexts == (another, saved)


@pytest.mark.long
def test_while_the_sentinel_hangs_a_store_is_used_as_it_was_but_cannot_be_opened(
    setup: SentinelSetup, repository: RedisRepository
) -> None:
    saved = save(repository, "note")
    with closing(RedisRepository(setup.url, key_prefix="em")) as late:
        with hung(setup.sentinel):
            assert load(repository).contexts == (saved,)
            refused = end(prepare, late)
        assert refused.refuses_with("has no primary at the moment: check the sentinels")
        assert load(late).contexts == (saved,)


@pytest.mark.long
def test_of_several_sentinels_one_is_enough(setup: SentinelSetup) -> None:
    with RedisServer(tcp=True) as silent, hung(silent), ExitStack() as stack:
        place = f"127.0.0.1:{setup.sentinel.port}"
        url = setup.url.replace(place, f"127.0.0.1:{silent.port},127.0.0.1:1,{place}")
        repository = stack.enter_context(closing(RedisRepository(url, key_prefix="em")))
        opened = end(prepare, repository)
    assert opened.sentence == ""
    assert opened.seconds < PATIENCE_SECONDS


@pytest.mark.long
def test_a_service_that_the_sentinel_does_not_know_is_a_sentence(setup: SentinelSetup) -> None:
    url = setup.url.replace(SERVICE, "another")
    with closing(RedisRepository(url, key_prefix="em")) as repository:
        refused = end(prepare, repository)
    assert refused.refuses_with("Redis service another .* the service's name")
