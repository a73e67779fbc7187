"""Every way of starting the server starts the same server."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from extended_memory.version import __version__
from tests.support.server import Server, Start

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
OUR_ENTRIES = {
    "extended-memory-mcp": [str(SCRIPTS / "extended-memory-mcp")],
    "extended-memory-mcp-server": [str(SCRIPTS / "extended-memory-mcp-server")],
    "python -m extended_memory": [sys.executable, "-m", "extended_memory"],
    "python -m extended_memory_mcp.server": [sys.executable, "-m", "extended_memory_mcp.server"],
    "python mcp-server/server.py": [sys.executable, str(CHECKOUT / "mcp-server" / "server.py")],
}
FASTMCP_RUN = [str(SCRIPTS / "fastmcp"), "run", str(CHECKOUT / "extended_memory" / "server.py")]


def _save(server: Server) -> None:
    assert server.handshake()["serverInfo"] == {
        "name": "extended-memory-mcp",
        "version": __version__,
    }
    server.ok("save_context", content="We chose Postgres.", importance_level=9, tags=["db"])


def _load(server: Server) -> list[str]:
    server.handshake()
    contexts = server.ok("load_contexts")["contexts"]
    return [context["content"] for context in contexts]


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    "command", [*OUR_ENTRIES.values(), FASTMCP_RUN], ids=[*OUR_ENTRIES, "fastmcp run"]
)
def test_every_entry_keeps_the_memory_from_one_start_to_the_next(
    command: Sequence[str], start: Start, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = start(command, cwd=elsewhere)
    _save(first)
    assert first.end() == 0
    assert _load(start(command, cwd=elsewhere)) == ["We chose Postgres."]


@pytest.mark.long
def test_an_entry_of_claude_desktops_configuration_for_090_starts_it_to_the_letter(
    start: Start, place: Path, tmp_path: Path
) -> None:
    file = tmp_path / "claude_desktop_config.json"
    file.write_text(
        json.dumps(
            {
                "mcpServers": {
                    "extended-memory": {
                        "command": sys.executable,
                        "args": ["-m", "extended_memory_mcp.server"],
                        "env": {
                            "STORAGE_CONNECTION_STRING": f"sqlite:///{place}",
                            "LOG_LEVEL": "ERROR",
                        },
                    }
                }
            }
        )
    )
    entry = json.loads(file.read_text())["mcpServers"]["extended-memory"]
    command = [entry["command"], *entry["args"]]
    first = start(command, env=entry["env"], cwd=tmp_path)
    _save(first)
    assert first.end() == 0
    assert _load(start(command, env=entry["env"], cwd=tmp_path)) == ["We chose Postgres."]


@pytest.mark.long
@pytest.mark.anyio
async def test_fastmcps_client_keeps_the_memory_from_one_start_to_the_next_in_both_eras(
    tmp_path: Path,
) -> None:
    found = []
    for mode in ("legacy", "auto"):
        with (tmp_path / "stderr").open("a") as log:
            transport = StdioTransport(
                sys.executable,
                ["-m", "extended_memory"],
                env=dict(os.environ),
                keep_alive=False,
                log_file=log,
            )
            async with Client(transport, mode=mode) as client:
                await client.call_tool("save_context", {"content": "Tea.", "importance_level": 8})
                loaded = await client.call_tool("load_contexts", {})
                found.append([c["content"] for c in loaded.structured_content["contexts"]])
    assert found == [["Tea."], ["Tea."]]


@pytest.mark.parametrize("command", OUR_ENTRIES.values(), ids=OUR_ENTRIES)
def test_every_entry_tells_its_version(command: Sequence[str]) -> None:
    told = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=True, timeout=30
    )
    assert told.stdout == f"extended-memory-mcp {__version__}\n"


def test_help_says_what_it_is_and_ends() -> None:
    told = subprocess.run(
        [*OUR_ENTRIES["extended-memory-mcp"], "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert told.stdout.startswith("Usage: extended-memory-mcp")
    assert "MCP client" in told.stdout
    assert told.stderr == ""


@pytest.mark.long(but=1)
@pytest.mark.parametrize("name", OUR_ENTRIES)
def test_options_that_are_not_known_are_ignored_as_in_090(name: str, start: Start) -> None:
    server = start([*OUR_ENTRIES[name], "--stdio", "serve", "--port=1"])
    assert server.handshake()["serverInfo"]["version"] == __version__
    assert server.end() == 0


OF_090 = list(OUR_ENTRIES)[1:2] + list(OUR_ENTRIES)[3:]


@pytest.mark.parametrize("name", OF_090)
def test_the_entries_of_090_ignore_words_too(name: str, start: Start) -> None:
    server = start([*OUR_ENTRIES[name], "bakup"])
    assert server.handshake()["serverInfo"]["version"] == __version__
    assert server.end() == 0


@pytest.mark.parametrize("arguments", [["bakup"], ["ad", "-"], ["list-projects"]])
def test_a_command_that_is_mistyped_in_a_script_is_refused(
    arguments: list[str], place: Path
) -> None:
    ended = subprocess.run(
        [*OUR_ENTRIES["extended-memory-mcp"], *arguments],
        input="t\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f'Unknown command "{arguments[0]}"' in ended.stderr
    assert not place.exists()
