"""What can happen to a server while it is used, each as a with block at whose end it is over."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import redis

from tests.support.redis_servers import RedisServer, until

Fault = Callable[[RedisServer], AbstractContextManager[None]]

SNAPSHOT = "snapshot"
OPTIONS = (
    *("--enable-debug-command", "yes"),
    *("--dbfilename", SNAPSHOT, "--save", "3600 1000000", "--rdbcompression", "no"),
)
"""What some of the faults need; else the server is as in all tests."""


@contextmanager
def down(server: RedisServer) -> Iterator[None]:
    server.kill()
    yield
    server.restart()


@contextmanager
def hung(server: RedisServer) -> Iterator[None]:
    server.stop()
    yield
    server.resume()


@contextmanager
def loading(server: RedisServer) -> Iterator[None]:
    with server.client(socket_timeout=None) as client:
        client.mset({f"large:{number}": "x" * 5_000 for number in range(40)})
        client.config_set("loading-process-events-interval-bytes", 1024)
        client.config_set("key-load-delay", 300_000)  # microseconds
        reload = threading.Thread(target=client.execute_command, args=("DEBUG", "RELOAD"))
        reload.start()
        with server.client() as other:
            until(lambda: other.info("persistence")["loading"], "the server loads")
            yield
            other.config_set("key-load-delay", 0)
        reload.join()
        client.delete(*(f"large:{number}" for number in range(40)))


@contextmanager
def busy(server: RedisServer) -> Iterator[None]:
    def loop() -> None:
        with server.client() as client, suppress(redis.ResponseError):
            client.eval("while true do end", 0)

    def is_busy() -> bool:
        try:
            return not client.ping()
        except redis.ResponseError:
            return True

    with server.client() as client:
        client.config_set("busy-reply-threshold", 1)
        script = threading.Thread(target=loop)
        script.start()
        until(is_busy, "the script runs")
        yield
        client.script_kill()
        script.join()


@contextmanager
def disk_failing(server: RedisServer) -> Iterator[None]:
    def snapshot_is(state: str) -> bool:
        return bool(client.info("persistence")["rdb_last_bgsave_status"] == state)

    in_the_way = server.directory / SNAPSHOT
    in_the_way.mkdir()
    with server.client() as client:
        client.bgsave()
        until(lambda: snapshot_is("err"), "the snapshot fails")
        yield
        in_the_way.rmdir()
        client.bgsave()
        until(lambda: snapshot_is("ok"), "the snapshot is written")


@contextmanager
def password_changed(server: RedisServer) -> Iterator[None]:
    with server.client() as client:
        client.config_set("requirepass", "another")
        client.client_kill_filter(_type="normal", skipme=True)
        yield
        client.config_set("requirepass", "")


def commanded(*command: str, undo: tuple[str, ...]) -> Fault:
    """Return the fault that a command to the server is."""

    @contextmanager
    def fault(server: RedisServer) -> Iterator[None]:
        with server.client() as client:
            client.execute_command(*command)
            yield
            client.execute_command(*undo)

    return fault


def set_to(name: str, value: str, *, back: str) -> Fault:
    """Return the fault that a setting is."""
    return commanded("CONFIG", "SET", name, value, undo=("CONFIG", "SET", name, back))


def follows_nobody(*, stale: str) -> Fault:
    """Return the fault of a replica that cannot reach its primary."""

    @contextmanager
    def fault(server: RedisServer) -> Iterator[None]:
        with server.client() as client:
            client.config_set("replica-serve-stale-data", stale)
            client.replicaof("127.0.0.1", "1")
            yield
            client.replicaof("NO", "ONE")

    return fault


def denied(*rules: str) -> Fault:
    """Return the fault of a user who may do less than is needed."""
    return commanded(
        "ACL", "SETUSER", "default", *rules, undo=("ACL", "SETUSER", "default", "+@all")
    )
