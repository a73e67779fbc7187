"""`fastmcp run --transport http` serves this machine, and no web page of another one.

Nobody has to log in there, so Host and Origin are all that keeps others out.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.server import HANDSHAKE_VERSIONS, eventually

CHECKOUT = Path(__file__).resolve().parents[2]
FASTMCP = Path(sys.executable).with_name("fastmcp")
OPEN_TO_ALL = {
    "FASTMCP_HTTP_HOST_ORIGIN_PROTECTION": "false",
    "FASTMCP_HTTP_ALLOWED_HOSTS": '["*"]',
    "FASTMCP_HTTP_ALLOWED_ORIGINS": '["*"]',
}
INITIALIZE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": HANDSHAKE_VERSIONS[-1],
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"},
        },
    }
).encode()

Serve = Callable[..., int]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Give a way to serve over HTTP on a free port, which it returns."""
    running = []

    def begin(
        source: str = str(CHECKOUT / "extended_memory" / "server.py"),
        *options: str,
        transport: Sequence[str] = ("--transport", "http"),
        env: Mapping[str, str] | None = None,
    ) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        log = tmp_path / "log"
        with log.open("wb") as errors:
            running.append(
                subprocess.Popen(
                    [FASTMCP, "run", source, *transport, "--port", str(port), *options],
                    env={
                        **os.environ,
                        "PATH": f"{FASTMCP.parent}{os.pathsep}{os.environ['PATH']}",
                        **(env or {}),
                    },
                    cwd=tmp_path,
                    stdout=errors,
                    stderr=errors,
                    start_new_session=True,  # it may start itself once more
                )
            )
        eventually(lambda: "Uvicorn running" in log.read_text(errors="replace"))
        return port

    yield begin
    for process in running:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def status(
    port: int, path: str = "/mcp", *, host: str, origin: str | None = None, method: str = "POST"
) -> int:
    """Return the status of a request, sent as it is."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if origin is not None:
        head.append(f"Origin: {origin}")
    if method == "POST":
        head += ["Content-Type: application/json", f"Content-Length: {len(INITIALIZE)}"]
        head.append("Accept: application/json, text/event-stream")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        body = INITIALIZE if method == "POST" else b""
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return int(connection.makefile("rb").readline().split()[1])


def refuses_foreigners(port: int, path: str) -> None:
    own = f"127.0.0.1:{port}"
    hosts = ("evil.example", f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io")
    assert {host: status(port, path, host=host) for host in (*hosts, "")} == dict.fromkeys(
        (*hosts, ""), 421
    )
    origins = ("https://evil.example", "null", "https://claude.ai", f"https://evil.example:{port}")
    for method in ("POST", "OPTIONS", "GET", "DELETE"):
        assert {
            origin: status(port, path, host=own, origin=origin, method=method) for origin in origins
        } == dict.fromkeys(origins, 403)


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    ("options", "settings"),
    [((), {}), ((), OPEN_TO_ALL), (("--host", "0.0.0.0"), OPEN_TO_ALL)],
    ids=["as it is", "opened by others", "on every address"],
)
def test_a_foreign_host_or_origin_is_refused_on_every_route(
    options: Sequence[str], settings: Mapping[str, str], serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={is_}\n" for name, is_ in settings.items()))
    port = serve(*((str(CHECKOUT / "extended_memory" / "server.py"), *options)), env=settings)
    for path in ("/mcp", "/", "/health", "/mcp/more", "/.well-known/oauth-protected-resource"):
        refuses_foreigners(port, path)
    for host in ("127.0.0.1", f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        assert status(port, host=host) == 200
    assert status(port, host=f"localhost:{port}", origin=f"http://localhost:{port}") == 200


def test_the_older_transport_refuses_them_as_well(serve: Serve) -> None:
    port = serve(transport=("--transport", "sse"), env=OPEN_TO_ALL)
    for path in ("/sse", "/messages/?session_id=1"):
        refuses_foreigners(port, path)
    assert status(port, "/messages/?session_id=1", host=f"localhost:{port}") == 400


def test_a_configuration_of_fastmcp_does_not_open_it(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "fastmcp.json"
    file.write_text(
        json.dumps(
            {
                "source": {"path": str(CHECKOUT / "extended_memory" / "server.py")},
                "deployment": {"transport": "http", "env": OPEN_TO_ALL},
            }
        )
    )
    port = serve(str(file), "--skip-env", transport=())
    refuses_foreigners(port, "/mcp")
    assert status(port, host=f"localhost:{port}") == 200
