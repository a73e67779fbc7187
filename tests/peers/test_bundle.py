"""The bundle for Claude Desktop: built, unpacked, and started as its manifest says.

The command and its environment are put together by the code that Claude Desktop uses for it.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from extended_memory.settings import DATABASE_NAME
from extended_memory.version import __version__
from tests.support.peers import CHECKOUT, Npm, find_program
from tests.support.redis_servers import RedisServer
from tests.support.server import Server

CONFIGURATION = Path(__file__).with_name("configuration.mjs")

MINUTES = 300.0
"""A first start installs everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An unpacked bundle."""

    npm: Npm
    uv: str
    folder: Path

    def start(self, filled_in: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Return the command and the environment for what is filled in on the settings page."""
        ended = self.npm.script(CONFIGURATION, str(self.folder), json.dumps(dict(filled_in)))
        assert ended.returncode == 0, ended.stderr
        configuration: dict[str, Any] = json.loads(ended.stdout)
        assert configuration["command"] == "uv"
        # Claude Desktop runs the uv that it brings along.
        return [self.uv, *configuration["args"]], configuration["env"]


@pytest.fixture(scope="session")
def bundle(npm: Npm, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Give a bundle as the documented command builds it, installed once."""
    built = tmp_path_factory.mktemp("built")
    building = npm.command("bash", str(CHECKOUT / "publish" / "bundle"), str(built))
    assert building.returncode == 0, building.stdout + building.stderr
    (packed,) = built.iterdir()
    assert packed.name == f"extended-memory-mcp-{__version__}.mcpb"
    folder = built / "unpacked"
    assert npm.run("mcpb", "unpack", str(packed), str(folder)).returncode == 0
    return Bundle(npm=npm, uv=find_program("uv"), folder=folder)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Give a Redis of this test's own."""
    with RedisServer() as server:
        yield server


def test_it_holds_the_sources_and_nothing_else(bundle: Bundle) -> None:
    held = {path.name for path in bundle.folder.iterdir()} - {".venv", "uv.lock"}
    assert held == {
        "manifest.json",
        "icon.png",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "extended_memory",
        "extended_memory_mcp",
        "migrations",
    }


def test_it_keeps_a_memory_where_the_settings_page_says(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "chosen"
    folder.mkdir()
    command, environment = bundle.start({"storage": str(folder), "project": "My_Shop"})
    told = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=True, timeout=MINUTES
    )
    assert told.stdout == f"extended-memory-mcp {__version__}\n"
    with Server(command, stderr=tmp_path / "stderr", env=environment, cwd=tmp_path) as first:
        first.handshake()
        assert first.ok("save_context", content="Tea.")["project_id"] == "my shop"
        assert first.end() == 0
    assert (folder / DATABASE_NAME).exists()
    with Server(command, stderr=tmp_path / "stderr", env=environment, cwd=tmp_path) as second:
        second.handshake()
        (loaded,) = second.ok("load_contexts", importance_level=1)["contexts"]
        assert loaded["content"] == "Tea."
        assert second.end() == 0


def test_a_settings_page_that_nobody_filled_in_means_the_defaults(
    bundle: Bundle, tmp_path: Path
) -> None:
    command, environment = bundle.start({})
    assert environment == {"STORAGE_CONNECTION_STRING": "", "EXTENDED_MEMORY_PROJECT": ""}
    with Server(command, stderr=tmp_path / "stderr", env=environment, cwd=tmp_path) as server:
        server.handshake()
        assert server.ok("save_context", content="Tea.")["project_id"] == "general"
        assert server.end() == 0
    assert (tmp_path / "home/.local/share/extended-memory-mcp" / DATABASE_NAME).exists()


def test_a_redis_can_be_named_on_the_settings_page(
    bundle: Bundle, redis: RedisServer, tmp_path: Path
) -> None:
    command, environment = bundle.start({"storage": redis.url})
    with Server(command, stderr=tmp_path / "stderr", env=environment, cwd=tmp_path) as server:
        server.handshake()
        assert server.ok("save_context", content="Tea.")["id"] == 1
        assert server.end() == 0
