"""The configuration of each client as it is found: what is there stays, and comes back."""

import difflib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from extended_memory.clients import change, configuration, files
from extended_memory.clients.catalogue import CLIENTS, Client, Machine
from extended_memory.clients.entry import Entry

SAMPLES = Path(__file__).parent / "samples"
COMMAND = {"command": "/opt/bin/uvx", "args": ["extended-memory-mcp"]}

pytestmark = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


def placed(client: Client, home: Path) -> files.File:
    """Put the sample of a client where it belongs."""
    suffix = "toml" if client.format == "toml" else "json"
    (path,) = client.files(Machine(system="linux", home=home, environment={}))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((SAMPLES / f"{client.name}.{suffix}").read_bytes())
    return files.read(path)


def installed(client: Client, file: files.File, entry: dict[str, Any]) -> str:
    before = change.entry_to_update(client, file, name=None)
    return change.plan_installation(client, file, entry=entry, before=before, name=None).text


def test_an_entry_is_added_to_what_is_there(client: Client, tmp_path: Path) -> None:
    file = placed(client, tmp_path)
    assert file.text is not None
    entry = {**client.shape, **COMMAND, "env": {"EXTENDED_MEMORY_PROJECT": "my shop"}}
    text = installed(client, file, entry)
    lines = list(difflib.ndiff(file.text.splitlines(True), text.splitlines(True)))
    gone = {line[2:].rstrip(",\r\n") for line in lines if line.startswith("- ")}
    came = {line[2:].rstrip(",\r\n") for line in lines if line.startswith("+ ")}
    assert gone <= came | {'    "mcpServers": {}'}  # but for a comma, each line is as it was
    expected = configuration.read(client.format, file.text)
    expected.setdefault(client.keys[0], {})["extended-memory"] = entry
    assert configuration.read(client.format, text) == expected
    assert text.count("\r\n") in (0, text.count("\n"))
    assert text.endswith("\n") == file.text.endswith("\n")


def test_a_second_time_nothing_is_to_change(client: Client, tmp_path: Path) -> None:
    file = placed(client, tmp_path)
    text = installed(client, file, {**client.shape, **COMMAND})
    files.replace(file, text, now=datetime.now(timezone.utc))
    again = files.read(file.path)
    assert installed(client, again, {**client.shape, **COMMAND}) == text
    assert again.has_mark == file.has_mark


def test_uninstalled_it_is_as_it_was(client: Client, tmp_path: Path) -> None:
    file = placed(client, tmp_path)
    assert file.text is not None
    text = installed(client, file, {**client.shape, **COMMAND})
    with_it = files.File(path=file.path, text=text, has_mark=file.has_mark)
    removed = change.plan_removal(client, with_it, name="extended-memory").text
    if client.keys[0] in configuration.read(client.format, file.text):
        assert removed == file.text
    else:
        empty = {**configuration.read(client.format, file.text), client.keys[0]: {}}
        assert configuration.read(client.format, removed) == empty


def test_an_entry_of_another_name_is_brought_up_to_date_in_its_place(
    client: Client, tmp_path: Path
) -> None:
    file = placed(client, tmp_path)
    args = ["-m", "extended_memory_mcp.server"]
    old = {"command": "python3", "args": args, "timeout": 60}
    kept = {"STORAGE_CONNECTION_STRING": "sqlite:///~/memory.db"}
    keys = (*client.keys, "notes")
    text = configuration.put(client.format, file.text or "", keys, {**old, "env": kept})
    file = files.File(path=file.path, text=text, has_mark=file.has_mark)
    assert change.entry_to_update(client, file, name=None) == Entry(
        keys=keys, command="python3", args=tuple(args), env=kept
    )
    entry = {**client.shape, **COMMAND, "env": {"EXTENDED_MEMORY_PROJECT": "shop"}}
    text = installed(client, file, entry)
    expected = {**old, **entry, "env": {**kept, "EXTENDED_MEMORY_PROJECT": "shop"}}
    assert configuration.get(client.format, text, keys) == expected
    assert configuration.get(client.format, text, (*client.keys, "extended-memory")) is None


def test_what_is_found_on_a_machine(client: Client, tmp_path: Path) -> None:
    file = placed(client, tmp_path)
    machine = Machine(system="linux", home=tmp_path, environment={})
    (present,) = configuration.configurations(machine)
    assert (present.client, present.path) == (client, file.path)
    assert present.fault is None
    # Claude Code has an entry for one folder alone; the others name only a folder like it.
    assert [entry.keys for entry in present.own_entries] == (
        [("projects", "/home/me/shop", "mcpServers", "memory")]
        if client.name == "claude-code"
        else []
    )
    file.path.write_text("{ [", "utf-8")
    (present,) = configuration.configurations(machine)
    assert present.fault is not None
    assert "is malformed and was left alone: line 1, column " in present.fault
