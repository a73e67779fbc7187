"""What a server can suffer is a sentence, changes nothing, and is over when its cause is gone."""

from contextlib import closing

import pytest

from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import everything, load, save
from tests.support.redis_calls import CALLS, FOREIGN, GROWING, READS, WRITES, ends, unlike
from tests.support.redis_checker import flaws
from tests.support.redis_faults import (
    OPTIONS,
    Fault,
    busy,
    denied,
    disk_failing,
    down,
    follows_nobody,
    hung,
    loading,
    password_changed,
    set_to,
)
from tests.support.redis_servers import RedisServer

EVERY = tuple(CALLS)
SCRIPTED = (*WRITES, "load", "load by tags", "search", "index", "popular tags")
FAULTS = {
    "down": (down, EVERY, "cannot be reached: check that it is running"),
    "hung": (hung, EVERY, "does not answer in time: check that it is running"),
    "loading": (loading, EVERY, "is still loading its data: try again"),
    "busy": (busy, EVERY, "busy"),
    "memory full": (set_to("maxmemory", "1", back="0"), GROWING, "no memory left.*maxmemory"),
    "replica": (follows_nobody(stale="yes"), WRITES, "read-only replica.*redis\\+sentinel"),
    "stale replica": (follows_nobody(stale="no"), READS, "not complete: check that its nodes"),
    "too few replicas": (
        set_to("min-replicas-to-write", "1", back="0"),
        WRITES,
        "too few replicas",
    ),
    "disk": (disk_failing, WRITES, "cannot write to its disk"),
    "password": (password_changed, EVERY, "refuses the user name or password: check them"),
    "no scripts": (denied("-evalsha"), SCRIPTED, "does not allow.*README"),
    "no commands": (denied("-@read", "-@write", "-@scripting"), EVERY, "does not allow.*em:\\*"),
}


@pytest.mark.long(but=1)
@pytest.mark.parametrize(("fault", "refused", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_a_sentence_changes_nothing_and_is_over_when_its_cause_is_gone(
    fault: Fault, refused: tuple[str, ...], words: str
) -> None:
    with (
        RedisServer(*OPTIONS, tcp=True) as server,
        closing(RedisRepository(server.url, key_prefix="em")) as repository,
    ):
        kept = save(repository, "kept", tags=("a", "b"))
        before = everything(repository)

        with fault(server):
            found = ends(repository, refused)
            others = ends(repository, (name for name in READS if name not in refused))

        assert unlike(found, words) == {}
        assert {each.sentence for each in others.values()} <= {""}
        if fault is not hung:  # what such a server was sent it does later, and it is done once
            assert everything(repository) == before
        saved = save(repository, "another", tags=("a",))
        assert saved.id > kept.id
        assert repository.forget(kept.id, project=None) == "alpha"
        assert load(repository).contexts == (saved,)
        assert repository.add_imported([FOREIGN]) == 1
        with server.client() as client:
            assert flaws(client) == []


def test_in_a_full_memory_forgetting_still_works() -> None:
    with (
        RedisServer() as server,
        closing(RedisRepository(server.url, key_prefix="em")) as repository,
    ):
        saved = save(repository, "note", tags=("a", "b"))
        with set_to("maxmemory", "1", back="0")(server):
            assert repository.forget(saved.id, project=None) == "alpha"
            assert load(repository).total == 0
