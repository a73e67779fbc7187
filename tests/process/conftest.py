"""Servers for the tests of the process; each is ended and its output checked at the end."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.server import COMMAND, HANDSHAKE_VERSIONS, Server, Start, stray_lines


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a way to start servers; whatever a test is about, no output but JSON-RPC is left."""
    servers: list[Server] = []

    def begin(
        command: Sequence[str] = COMMAND,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        version: str = HANDSHAKE_VERSIONS[-1],
    ) -> Server:
        stderr = tmp_path / f"stderr-{len(servers)}"
        servers.append(Server(command, stderr=stderr, env=env, cwd=cwd, version=version))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()
    assert [stray_lines(b"".join(server.lines)) for server in servers] == [[] for _ in servers]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a sound file with three hundred contexts, to be copied."""
    folder = tmp_path_factory.mktemp("whole")
    env = {"STORAGE_CONNECTION_STRING": str(folder / "memory.db"), "HOME": str(folder)}
    with Server(stderr=folder / "stderr", env=env) as server:
        server.handshake()
        calls = [
            server.request_call(
                "save_context",
                content=f"Kept {number}. " + "word " * 200,
                tags=[f"tag {number % 40}"],
                importance_level=9,
            )
            for number in range(300)
        ]
        assert not any(server.answer(call)["result"]["isError"] for call in calls)
        assert server.end() == 0
    return folder / "memory.db"


@pytest.fixture
def filled(whole: Path, place: Path) -> Path:
    """Give this test's own store, a copy of the whole one."""
    place.parent.mkdir()
    shutil.copy(whole, place)
    return place
