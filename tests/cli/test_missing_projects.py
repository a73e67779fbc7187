"""A project that is not there is said to be so, with the nearest name; nothing is written."""

from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.contexts import fill

COMMANDS = [
    "list",
    "search tea",
    "tags",
    "trash",
    "stats",
    "show 1",
    "edit 1 --importance 3",
    "forget 1 --yes",
    "restore 1",
    "export out.jsonl",
    "export --format markdown out",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_project_is_refused_with_the_nearest_one(
    command: str, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = fill(store)
    monkeypatch.chdir(tmp_path)
    before = run("export", env=env).stdout
    ended = run(*command.split(), "--project", "shpo", env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        'extended-memory-mcp: There is no project "shpo": did you mean "shop"?\n'
    )
    assert not (tmp_path / "out.jsonl").exists()
    assert not (tmp_path / "out").exists()
    assert without_header(run("export", env=env).stdout) == without_header(before)


def test_a_pinned_memory_names_no_project_of_others(store: str) -> None:
    env = {**fill(store), "EXTENDED_MEMORY_PROJECT": "home lab"}
    ended = run("list", "--project", "shpo", env=env)
    assert ended.returncode == 1
    assert "shop" not in ended.stderr


def test_a_project_with_nothing_but_its_trash_is_there(store: str) -> None:
    env = fill(store)
    run("add", "soon gone", "--project", "attic", env=env)
    gone = run("search", "soon", "--project", "attic", "--json", env=env).stdout
    assert '"total": 1' in gone
    (context_id,) = run("list", "--project", "attic", env=env).stdout.split("\t")[:1]
    run("forget", context_id, "--yes", env=env)
    ended = run("trash", "--project", "attic", env=env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "soon gone" in ended.stdout


def test_an_earlier_export_stays_as_it_was(store: str, tmp_path: Path) -> None:
    env = fill(store)
    file = tmp_path / "shop.jsonl"
    run("export", str(file), "--project", "shop", env=env)
    before = file.read_bytes()
    assert run("export", str(file), "--project", "shpo", env=env).returncode == 1
    assert file.read_bytes() == before


def without_header(export: str) -> str:
    """Leave out the line with the time of an export."""
    return export.partition("\n")[2]
