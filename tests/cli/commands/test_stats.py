"""The command that says how much is kept, run as a person does."""

import json
from pathlib import Path

import pytest

from tests.support.commands import make, run
from tests.support.contexts import CONTENTS, fill
from tests.support.terminal import run_in_terminal

BYTES = sum(len(content.encode()) for _, content, _, _ in CONTENTS)


@pytest.fixture
def env(store: str) -> dict[str, str]:
    env = fill(store)
    run("edit", "1", "--importance", "10", env=env)
    run("forget", "2", "--yes", env=env)
    return env


def test_a_script_gets_every_number(env: dict[str, str], place: Path) -> None:
    answer = json.loads(run("stats", "--json", env=env).stdout)
    files = [file for file in (place, place.with_name("memory.db-wal")) if file.exists()]
    size = answer.pop("bytes_on_disk")
    assert size == (sum(file.stat().st_size for file in files) or None)  # None of a Redis
    assert answer == {
        "project_id": None,
        "contexts": 3,
        "in_trash": 1,
        "revisions": 1,
        "content_bytes": BYTES - len(CONTENTS[1][1].encode()),
        "by_importance": {"2": 1, "8": 1, "10": 1},
        "by_week": {"2026-03-02": 1, "2026-03-09": 2},
        "oldest": "2026-03-07T09:15:00.000+00:00",
        "newest": "2026-03-10T09:15:00.000+00:00",
        "top_tags": [
            {"tag": "decision", "count": 2},
            {"tag": "database", "count": 1},
            {"tag": "network", "count": 1},
        ],
    }


def test_of_one_project_in_a_pipe(env: dict[str, str]) -> None:
    ended = run("stats", "--project", "Home_Lab", env=env)
    rows = dict(line.split("\t") for line in ended.stdout.splitlines())
    rows.pop("on disk", None)
    assert rows == {
        "project": "home lab",
        "contexts": "1",
        "in the trash": "0",
        "earlier texts": "0",
        "text": f"{len(CONTENTS[2][1].encode())} bytes",
        "oldest": "2026-03-09 09:15",
        "newest": "2026-03-09 09:15",
        "week of 2026-03-09": "1",
        **{f"importance {level}": f"{int(level == 8)}" for level in range(1, 11)},
        "tag network": "1",
    }


def test_a_terminal_shows_plots(env: dict[str, str]) -> None:
    ended = run_in_terminal("stats", env=env)
    assert ended.returncode == 0
    (start,) = (n for n, line in enumerate(ended.lines) if line.startswith("saved weekly"))
    assert ended.lines[start:] == [
        "saved weekly, 2026-03-02 to 2026-03-09",
        "     2    ██",
        "          ██",
        "        ████",
        "        ████",
        "",
        "importance",
        "10  1  ████████████████████████████████████████",
        " 9  0",
        " 8  1  ████████████████████████████████████████",
        *(f" {level}  0" for level in range(7, 2, -1)),
        " 2  1  ████████████████████████████████████████",
        " 1  0",
        "",
        "top tags",
        "decision  2  ████████████████████████████████████████",
        "database  1  ████████████████████",
        " network  1  ████████████████████",
    ]


def test_of_an_empty_memory(store: str) -> None:
    make(store)
    ended = run("stats", env={"STORAGE_CONNECTION_STRING": store})
    assert ended.returncode == 0
    assert ended.stdout.startswith("projects\t0\ncontexts\t0\n")
    shown = run_in_terminal("stats", env={"STORAGE_CONNECTION_STRING": store})
    assert (shown.returncode, "importance" in shown.screen) == (0, False)


def test_a_pin_narrows_it_to_its_project(env: dict[str, str]) -> None:
    pinned = {**env, "EXTENDED_MEMORY_PROJECT": "home lab"}
    answer = json.loads(run("stats", "--json", env=pinned).stdout)
    assert (answer["project_id"], answer["contexts"], answer["in_trash"]) == ("home lab", 1, 0)
