"""The servers of these tests start, fail and end as the tests that use them believe."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.support.redis_servers import (
    SERVICE,
    Cluster,
    Outage,
    RedisServer,
    SentinelSetup,
    TlsProxy,
    server_binary,
    until,
)

INCREMENT = "return redis.call('INCR', KEYS[1])"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        yield client


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


def listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(path) == 0


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def primary_named_by(sentinel: RedisServer) -> object:
    with sentinel.client() as client:
        return client.sentinel_get_master_addr_by_name(SERVICE)


def test_the_environment_chooses_the_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_REDIS_SERVER", "/somewhere/redis-server")

    assert server_binary() == "/somewhere/redis-server"


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_a_killed_server_comes_back_with_its_data(tcp: bool) -> None:
    with RedisServer(tcp=tcp) as server, server.client() as client:
        url, pid = server.url, server.pid
        client.set("key", "kept")

        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        server.restart()

        assert client.get("key") == "kept"
        assert server.url == url
        assert server.pid != pid


def test_a_terminated_server_comes_back_with_its_data() -> None:
    with RedisServer() as server, server.client() as client:
        client.set("key", "kept")

        server.terminate()
        server.restart()

        assert client.get("key") == "kept"


def test_data_in_a_given_directory_outlives_the_server(tmp_path: Path) -> None:
    with RedisServer(directory=tmp_path) as server, server.client() as client:
        client.set("key", "kept")

    with RedisServer(directory=tmp_path) as server, server.client() as client:
        assert client.get("key") == "kept"


def test_a_running_server_is_not_started_twice(server: RedisServer) -> None:
    with pytest.raises(RuntimeError, match="still runs"):
        server.restart()


def test_later_options_override_the_defaults() -> None:
    options = ("--appendonly", "no", "--maxmemory", "8mb")
    with RedisServer(*options) as server, server.client() as client:
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.info("memory")["maxmemory"] == 8 * 1024 * 1024


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_the_url_holds_the_password(tcp: bool) -> None:
    with RedisServer("--requirepass", "p@ss/w:rd", tcp=tcp) as server:
        with server.client() as client:
            assert client.ping() is True

        bare = server.url.replace(":p%40ss%2Fw%3Ard@", "")
        assert bare != server.url
        with redis.Redis.from_url(bare) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_a_server_that_cannot_start_shows_its_log() -> None:
    with pytest.raises(RuntimeError, match="no-such-option"):
        RedisServer("--no-such-option", "1")


def test_a_neighbours_port_is_not_taken_for_ours() -> None:
    with (
        RedisServer(tcp=True) as neighbour,
        pytest.raises(RuntimeError, match="Failed listening on port"),
    ):
        RedisServer(port=neighbour.port)


def test_another_port_is_tried_where_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer(tcp=True) as neighbour:
        ports = iter([neighbour.port, neighbour.port])
        free = sys.modules[RedisServer.__module__]._free_port
        monkeypatch.setattr(f"{RedisServer.__module__}._free_port", lambda: next(ports, free()))

        with RedisServer(tcp=True) as server, server.client() as client:
            assert server.port != neighbour.port
            assert client.info("server")["process_id"] == server.pid


def test_two_servers_share_no_data() -> None:
    with (
        RedisServer() as one,
        RedisServer() as other,
        one.client() as first,
        other.client() as second,
    ):
        first.set("key", "here")

        assert first.get("key") == "here"
        assert second.get("key") is None


def test_a_stopped_server_answers_when_it_goes_on() -> None:
    with RedisServer() as server, server.client(socket_timeout=0.1) as client:
        client.ping()

        server.stop()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.resume()

        assert client.ping() is True


def test_nothing_of_a_closed_server_is_left() -> None:
    server = RedisServer()
    stopped = RedisServer()
    stopped.stop()
    for each in (server, stopped):
        assert listens(each.socket)
        each.close()
        each.close()

        assert not exists(each.pid)
        assert not each.directory.exists()


@pytest.mark.parametrize(
    "ending",
    [
        "sys.exit()",
        pytest.param(
            "os.kill(os.getpid(), signal.SIGKILL)",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell a child"),
        ),
    ],
)
def test_no_server_outlives_the_process_that_forgot_it(ending: str) -> None:
    program = f"""
        import os, signal, sys
        from tests.support.redis_servers import RedisServer
        server = RedisServer()
        print(server.socket, flush=True)
        sys.stdin.readline()
        {ending}
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        path = process.stdout.readline().strip()
        assert listens(path)
        process.communicate("\n")

    assert process.returncode in {0, -signal.SIGKILL}
    until(lambda: not listens(path), "the server has ended")
    shutil.rmtree(Path(path).parent, ignore_errors=True)  # a killed process could not do that


def test_the_cluster_serves_every_slot(cluster: Cluster) -> None:
    with cluster.client() as client:
        # Enough for each sixteenth of the slots to get some.
        keys = [f"key:{number}" for number in range(400)]
        for key in keys:
            client.set(key, key)

        assert [client.get(key) for key in keys] == keys
        assert len({client.keyslot(key) // 1024 for key in keys}) == 16

    sizes = []
    for server in cluster.servers:
        with server.client() as node:
            sizes.append(node.dbsize())
            assert "cluster_slots_ok:16384" in node.execute_command("CLUSTER", "INFO")
    assert sum(sizes) == len(keys)
    assert all(sizes)


def test_the_cluster_refuses_keys_of_two_nodes_at_once(cluster: Cluster) -> None:
    with (
        cluster.servers[0].client() as node,  # a cluster's client would refuse it by itself
        pytest.raises(redis.ResponseError, match=r"CROSSSLOT|hash to the same slot"),
    ):
        node.eval(INCREMENT, 2, "{a}", "{b}")


@pytest.mark.long
def test_a_replica_takes_over_in_the_cluster() -> None:
    with Cluster(replicas=1) as cluster, cluster.client() as client:
        primary, replica = cluster.servers[0], cluster.servers[3]
        key = next(f"{n}" for n in range(1000) if client.keyslot(f"{n}") < 16384 // 3)
        client.set(key, "kept")
        client.wait(1, 1000, target_nodes=client.get_node_from_key(key))

        primary.kill()

        until(lambda: replica.role() == "master", "it is promoted")
        with replica.client() as successor:
            until(
                lambda: "cluster_state:ok" in successor.execute_command("CLUSTER", "INFO"),
                "the slots are served",
            )
            assert successor.get(key) == "kept"


@pytest.mark.long
def test_the_sentinel_promotes_the_replica_with_the_data() -> None:
    with SentinelSetup() as setup:
        assert primary_named_by(setup.sentinel) == ("127.0.0.1", setup.primary.port)
        with setup.primary.client() as primary:
            primary.set("key", "kept")
            assert primary.wait(1, 1000) == 1

        setup.primary.kill()

        until(lambda: setup.replica.role() == "master", "it is promoted")
        with setup.replica.client() as replica:
            assert replica.get("key") == "kept"
        promoted = ("127.0.0.1", setup.replica.port)
        until(lambda: primary_named_by(setup.sentinel) == promoted, "the sentinel names it")

        setup.primary.restart()
        until(lambda: setup.primary.role() == "slave", "it follows")
        pids = [each.pid for each in (setup.primary, setup.replica, setup.sentinel)]

    assert not any(map(exists, pids))


def test_tls_works_for_who_knows_the_authority_and_for_nobody_else(
    server: RedisServer, client: redis.Redis
) -> None:
    with TlsProxy(server) as proxy:
        for host in ("localhost", "127.0.0.1"):
            with redis.Redis.from_url(proxy.url(host), decode_responses=True) as secure:
                secure.set(host, "x" * 1_000_000)
                assert secure.get(host) == client.get(host) == "x" * 1_000_000

        for scheme, fault in {"rediss": "CERTIFICATE_VERIFY_FAILED", "redis": "closed"}.items():
            with (
                redis.Redis.from_url(f"{scheme}://localhost:{proxy.port}/0") as stranger,
                pytest.raises(redis.ConnectionError, match=fault),
            ):
                stranger.ping()
        ca_file = proxy.ca_file
    assert not ca_file.exists()


def test_exactly_the_wanted_replies_are_lost(outage: Outage, client: redis.Redis) -> None:
    with redis.Redis.from_url(outage.url) as far:
        digest = far.script_load(INCREMENT)
        outage.lose_reply(b"EVALSHA", skip=2, times=2)

        outcomes: list[object] = []
        for _ in range(6):
            far.set("other", "x")
            try:
                outcomes.append(far.evalsha(digest, 1, "counter"))
            except redis.ConnectionError:
                outcomes.append("lost")

    assert outcomes == [1, 2, "lost", "lost", 5, 6]
    assert outage.lost == 2
    assert client.get("counter") == "6"


def test_the_next_reply_is_lost_whatever_it_is(outage: Outage, client: redis.Redis) -> None:
    with redis.Redis.from_url(outage.url) as far:
        far.ping()
        outage.lose_reply()

        with pytest.raises(redis.ConnectionError):
            far.incr("counter")
        assert far.incr("counter") == 2


def test_a_long_request_is_done_before_its_reply_is_lost(
    outage: Outage, client: redis.Redis
) -> None:
    with redis.Redis.from_url(outage.url) as far:
        outage.lose_reply(b"the end of it")

        with pytest.raises(redis.ConnectionError):
            far.set("key", "x" * 1_000_000 + "the end of it")

    assert client.strlen("key") == 1_000_013


def test_connections_are_refused_until_told_otherwise(outage: Outage) -> None:
    with redis.Redis.from_url(outage.url) as far:
        assert far.ping() is True

        outage.refuse()
        for _ in range(2):
            with pytest.raises(redis.ConnectionError):
                far.ping()
        outage.accept()

        assert far.ping() is True


def test_a_server_that_is_down_closes_the_connection() -> None:
    with (
        RedisServer() as server,
        Outage(server) as outage,
        redis.Redis.from_url(outage.url) as far,
    ):
        far.ping()

        server.kill()
        with pytest.raises(redis.ConnectionError):
            far.ping()
        server.restart()

        assert far.ping() is True
