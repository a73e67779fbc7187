"""A user with the README's permissions may do all; one with less is told, and breaks nothing."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest
import redis

from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import NO_TIME, everything, load, save
from tests.support.redis_calls import CALLS, WRITES, End, end, find, prepare
from tests.support.redis_checker import flaws
from tests.support.redis_permissions import PERMISSIONS
from tests.support.redis_servers import Cluster, RedisServer

OF_OTHER_DATABASES = "+select"
OF_A_CLUSTER = "+cluster|slots +command"

PASSWORD = "p@ss/w:rd%"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(tcp=True) as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Give an administrator on a server that holds nothing, not even scripts."""
    with server.client() as client:
        client.flushall()
        client.script_flush()
        yield client
        assert flaws(client) == []


def allow(client: redis.Redis, commands: str) -> None:
    rules = ("reset", "on", f">{PASSWORD}", "~em:*", *commands.split())
    client.execute_command("ACL", "SETUSER", "mem", *rules)


def as_user(server: RedisServer, database: int = 0) -> RedisRepository:
    url = f"redis://mem:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/{database}"
    return RedisRepository(url, key_prefix="em")


def use_fully(repository: RedisRepository) -> None:
    """Make every call, on every path that asks something of the server."""
    saved = [save(repository, f"{number}", tags=("a", "b"), importance=9) for number in range(3)]
    assert save(repository, "0", tags=("a", "b"), importance=9) == saved[0]
    save(repository, "0", tags=("a", "b"), importance=9, repeat_within=NO_TIME)
    for call in CALLS.values():
        call(repository)
    repository.rename_project("beta", "alpha")
    load(repository, tags=("a", "b"), limit=1, offset=1)
    assert everything(repository).keys() == {"alpha"}
    assert repository.notice == ""


def test_a_user_with_the_commands_of_the_readme_may_do_all(
    server: RedisServer, client: redis.Redis
) -> None:
    allow(client, PERMISSIONS)
    client.acl_log_reset()
    with closing(as_user(server)) as repository:
        use_fully(repository)


def test_a_user_with_the_commands_of_the_readme_may_make_an_index_anew(
    server: RedisServer, client: redis.Redis
) -> None:
    allow(client, PERMISSIONS)
    with closing(as_user(server)) as repository:
        saved = save(repository, "note", tags=("a", "b"))
        client.hset("em:m:{alpha}", "analyzer", "0")
        assert repository.index_newest(9) == 0
        assert find(repository, "note").found[0].context == saved


def test_another_database_needs_one_command_more(server: RedisServer, client: redis.Redis) -> None:
    allow(client, PERMISSIONS)
    with closing(as_user(server, database=1)) as repository:
        assert end(prepare, repository).refuses_with("does not allow its user")
        allow(client, f"{PERMISSIONS} {OF_OTHER_DATABASES}")
        use_fully(repository)


@pytest.mark.long
def test_a_cluster_needs_two_commands_more() -> None:
    with Cluster() as cluster:
        for server in cluster.servers:
            with server.client() as client:
                allow(client, f"{PERMISSIONS} {OF_A_CLUSTER}")
        url = cluster.url.replace("://", f"://mem:{quote(PASSWORD, safe='')}@")
        with closing(RedisRepository(url, key_prefix="em")) as repository:
            use_fully(repository)


@pytest.mark.long(but=1)
@pytest.mark.parametrize("command", PERMISSIONS.split())
def test_a_user_who_lacks_a_command_is_told_so_and_nothing_is_half_written(
    server: RedisServer, client: redis.Redis, command: str
) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as unlimited:
        save(unlimited, "note", tags=("a", "b"))
        client.script_flush()
        allow(client, " ".join(each for each in PERMISSIONS.split() if each != command))
        found: dict[str, End] = {}
        for name, call in CALLS.items():
            before = everything(unlimited)
            client.script_flush()
            with closing(as_user(server)) as repository:
                ended = end(call, repository)
            if ended.sentence:
                found[name] = ended
                assert (everything(unlimited), flaws(client)) == (before, [])
    assert found != {}
    assert [
        each
        for each in found.values()
        if not each.refuses_with(
            "does not allow its user.*: grant the commands .* README .* em:\\*"
        )
    ] == []


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("keys", ["%R~em:*", "~em:c:*", "~em:{g}:*"])
def test_a_user_who_may_not_use_all_keys_is_told_so_and_nothing_is_half_written(
    server: RedisServer, client: redis.Redis, keys: str, call: str
) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as unlimited:
        save(unlimited, "note", tags=("a", "b"))
        before = everything(unlimited)
        allow(client, f"{PERMISSIONS} resetkeys {keys}")
        with closing(as_user(server)) as repository:
            assert end(CALLS[call], repository).refuses_with("does not allow its user.*em:\\*")
        assert everything(unlimited) == before
