"""The server opens no internet socket, whatever is asked of it."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from socket import AF_UNIX

import pytest

from tests.support.server import COMMAND, Server, Start

CHECKOUT = Path(__file__).resolve().parents[2]
ENTRIES = {
    "the server": COMMAND,
    "fastmcp run": (
        str(Path(sys.executable).with_name("fastmcp")),
        "run",
        str(CHECKOUT / "extended_memory" / "server.py"),
    ),
}
entries = pytest.mark.parametrize("command", ENTRIES.values(), ids=ENTRIES)

LISTENER = """
import os, sys

def note(event, arguments):
    if event.startswith("socket."):
        if event == "socket.__new__":
            arguments = int(arguments[1])  # the family
        with open(os.environ["SOCKET_LOG"], "a") as log:
            log.write(f"{event} {arguments}\\n")

sys.addaudithook(note)
"""


def _use_all(server: Server) -> None:
    server.handshake()
    server.ask("tools/list")
    saved = server.ok("save_context", content="Offline.", importance_level=9, tags=["quiet"])
    assert server.ok("load_contexts")["total"] == 1
    assert server.ok("get_popular_tags")["total"] == 1
    assert server.ok("list_all_projects")["total"] == 1
    server.ask("resources/list")
    server.ask("resources/read", {"uri": "memory://startup-context"})
    server.ask("prompts/get", {"name": "memory_instructions"})
    assert server.ok("forget_context", context_id=saved["id"])["forgotten"]


@pytest.mark.long(but=1)
@entries
def test_no_library_asks_for_an_internet_socket_or_a_name(
    command: Sequence[str], start: Start, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LISTENER)
    log = tmp_path / "sockets"
    server = start(command, env={"PYTHONPATH": str(tmp_path), "SOCKET_LOG": str(log)})
    _use_all(server)
    assert server.end() == 0
    # The event loop wakes itself through a pair of local sockets: so much is always there.
    assert set(log.read_text().splitlines()) == {f"socket.__new__ {int(AF_UNIX)}"}


@pytest.mark.long(but=1)
@entries
def test_the_kernel_is_asked_for_no_internet_socket(
    command: Sequence[str], start: Start, tmp_path: Path
) -> None:
    log = tmp_path / "strace"
    strace = ["strace", "-f", "-e", "trace=network", "-o", str(log)]
    traced = _works([*strace, "true"])
    server = start([*strace, *command] if traced else command)
    _use_all(server)
    if traced:
        assert server.end() == 0
        calls = log.read_text()
        assert "socketpair(AF_UNIX" in calls
        assert "AF_INET" not in calls
    else:  # strace is missing or may not trace; then what is open must do
        ours = _open_sockets(server.process.pid)
        assert ours
        assert ours & _internet_sockets(server.process.pid) == set()
        assert server.end() == 0


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _open_sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return {inode for link in links for inode in re.findall(r"socket:\[(\d+)\]", link)}


def _internet_sockets(pid: int) -> set[str]:
    """Return the inodes of all sockets of TCP and UDP."""
    tables = [Path(f"/proc/{pid}/net/{name}") for name in ("tcp", "tcp6", "udp", "udp6")]
    rows = [row for table in tables if table.exists() for row in table.read_text().splitlines()[1:]]
    return {row.split()[9] for row in rows}
