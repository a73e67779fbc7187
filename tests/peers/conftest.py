"""The clients from npm, and what several clients read."""

import json
from pathlib import Path

import pytest

from tests.support import peers as installed
from tests.support.peers import SERVER, Npm


@pytest.fixture(scope="session")
def npm() -> Npm:
    """Give the clients from npm."""
    return installed.find()


@pytest.fixture
def configuration(tmp_path: Path, place: Path) -> str:
    """Give a file that names the server, as Claude Desktop and others have one."""
    entry = {"command": SERVER, "env": {"STORAGE_CONNECTION_STRING": str(place)}}
    path = tmp_path / "configuration.json"
    path.write_text(json.dumps({"mcpServers": {"memory": entry}}))
    return str(path)
