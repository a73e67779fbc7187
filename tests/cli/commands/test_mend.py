"""The commands that add, forget, restore and rename, run as a person does."""

import json
import subprocess
from contextlib import closing

import pytest

from extended_memory.domain import Context
from tests.cli.conftest import opened, run
from tests.cli.contexts import CONTENTS, fill
from tests.cli.terminal import run_in_terminal
from tests.process.client import COMMAND

NOT_THERE = "list and search show the ids, trash those that were forgotten."


@pytest.fixture
def env(store: str) -> dict[str, str]:
    return fill(store)


def held(env: dict[str, str], context_id: int) -> Context | None:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return next(iter(repository.get([context_id], project=None)), None)


def in_trash(env: dict[str, str]) -> set[int]:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return {row.context.id for row in repository.trash(project=None, limit=100)}


def projects(env: dict[str, str]) -> dict[str, int]:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return {project.name: project.context_count for project in repository.projects()}


# add


def test_a_text_is_saved_with_what_is_said_of_it(env: dict[str, str]) -> None:
    text = "- one\n- two"
    ended = run(
        *("add", text, "--importance", "8", "--tag", "B", "--tag", "a", "--project", "My_Shop"),
        env=env,
    )
    assert (ended.returncode, ended.stdout) == (0, 'Saved as #5 in the project "my shop".\n')
    saved = held(env, 5)
    assert saved is not None
    assert (saved.project, saved.note.content, saved.note.importance, saved.note.tags) == (
        "my shop",
        text,
        8,
        ("a", "b"),
    )


@pytest.mark.parametrize(
    ("given", "kept"), [("a\nb\n", "a\nb"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n")]
)
def test_the_standard_input_is_saved_without_its_last_line_end(
    env: dict[str, str], given: str, kept: str
) -> None:
    ended = subprocess.run(
        [*COMMAND, "add", "-", "--json"],
        env=env,
        input=given.encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    answer = json.loads(ended.stdout)
    assert (answer["id"], answer["project_id"], answer["importance_level"]) == (5, "general", 5)
    saved = held(env, 5)
    assert saved is not None
    assert saved.note.content == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b" \n", 'The text must not be blank; given: " ".'),
        (b"a" * 50_001, "The text must be at most 50,000 bytes of UTF-8"),
        (b"\xff", "The standard input is not UTF-8"),
    ],
)
def test_what_cannot_be_saved_is_refused(place: object, given: bytes, said: str) -> None:
    ended = subprocess.run(
        [*COMMAND, "add", "-"], input=given, capture_output=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert said in ended.stderr.decode()


# forget and restore


def test_a_person_is_shown_what_is_forgotten_and_asked(env: dict[str, str]) -> None:
    ended = run_in_terminal("forget", "1", "3", env=env, typed="n\n", until="[y/N]")
    assert ended.returncode == 1
    assert ended.lines == [
        f"#1  shop: {CONTENTS[0][1]}",
        f"#3  home lab: {CONTENTS[2][1]}",
        "Forget these 2? [y/N] n",
        "extended-memory-mcp: Nothing was forgotten.",
    ]
    assert in_trash(env) == set()
    ended = run_in_terminal("forget", "1", env=env, typed="y\n", until="[y/N]")
    assert ended.returncode == 0
    assert ended.lines[-1] == 'Forgot #1 of the project "shop"; restore brings it back for 30 days.'
    assert in_trash(env) == {1}


def test_where_nobody_can_be_asked_nothing_is_forgotten(env: dict[str, str]) -> None:
    ended = run("forget", "1", env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Nobody is there to be asked: say it with --yes." in ended.stderr
    assert held(env, 1) is not None


def test_unknown_ids_are_named_and_the_others_forgotten(env: dict[str, str]) -> None:
    ended = run("forget", "98", "1", "3", "1", "99", "--project", "shop", "--yes", env=env)
    assert ended.returncode == 1
    assert ended.stdout == 'Forgot #1 of the project "shop"; restore brings it back for 30 days.\n'
    assert ended.stderr == (
        'extended-memory-mcp: There is no context #98, #3, #99 in the project "shop": '
        f"{NOT_THERE}\n"
    )
    assert in_trash(env) == {1}


def test_a_script_is_told_which_were_forgotten(env: dict[str, str]) -> None:
    ended = run("forget", "1", "99", "--yes", "--json", env=env)
    assert ended.returncode == 1
    assert json.loads(ended.stdout) == {
        "forgotten": [{"id": 1, "project_id": "shop", "can_be_restored": True}],
        "unknown": [99],
    }


def test_nothing_is_asked_where_nothing_is_there(env: dict[str, str]) -> None:
    ended = run_in_terminal("forget", "99", env={**env, "TERM": "dumb"})
    assert ended.returncode == 1
    assert "[y/N]" not in ended.screen
    assert "There is no context #99" in ended.screen


def test_a_person_is_shown_what_is_deleted_from_the_trash(env: dict[str, str]) -> None:
    run("forget", "1", "--yes", env=env)
    ended = run_in_terminal(
        "forget", "1", "2", "--permanently", env=env, typed="y\n", until="[y/N]"
    )
    assert ended.lines == [
        f"#2  shop: {CONTENTS[1][1]}",
        f"#1  shop: {CONTENTS[0][1]}",
        "Delete these 2 for good? [y/N] y",
        'Forgot #1 of the project "shop"; it is gone for good.',
        'Forgot #2 of the project "shop"; it is gone for good.',
    ]


def test_permanently_removes_from_the_trash_too(env: dict[str, str]) -> None:
    run("forget", "1", "--yes", env=env)
    ended = run("forget", "1", "2", "--permanently", "--yes", env=env)
    assert ended.stdout == (
        'Forgot #1 of the project "shop"; it is gone for good.\n'
        'Forgot #2 of the project "shop"; it is gone for good.\n'
    )
    assert in_trash(env) == set()


def test_without_a_trash_forgetting_is_for_good(env: dict[str, str]) -> None:
    without = {**env, "EXTENDED_MEMORY_TRASH_DAYS": "0"}
    asked = run_in_terminal("forget", "1", env=without, typed="n\n", until="[y/N]")
    assert "Delete #1 for good? [y/N]" in asked.screen
    ended = run("forget", "1", "--yes", env=without)
    assert ended.stdout == 'Forgot #1 of the project "shop"; it is gone for good.\n'
    assert in_trash(env) == set()


def test_what_was_forgotten_is_restored_as_it_was(env: dict[str, str]) -> None:
    before = held(env, 1)
    run("forget", "1", "--yes", env=env)
    ended = run("restore", "1", env=env)
    assert (ended.returncode, ended.stdout) == (0, 'Restored #1 in the project "shop".\n')
    assert held(env, 1) == before


def test_an_earlier_text_is_restored(env: dict[str, str]) -> None:
    run("edit", "1", "--importance", "3", "--add-tag", "x", env=env)
    ended = run("restore", "1", "--revision", "1", env=env)
    assert (ended.returncode, ended.stdout) == (0, "#1 is again what it was before change 1.\n")
    restored = held(env, 1)
    assert restored is not None
    assert (restored.note.importance, restored.note.tags) == (9, ("database", "decision"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("99",), f"There is no context #99: {NOT_THERE}"),
        (("1",), "#1 is not in the trash; nothing was restored."),
        (("1", "--revision", "7"), "#1 has no revision 7: show 1 --revisions lists them."),
    ],
)
def test_what_cannot_be_restored_is_said(
    env: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = run("restore", *arguments, env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"extended-memory-mcp: {said}\n"


# rename-project


def test_it_is_said_how_many_move_and_asked(env: dict[str, str]) -> None:
    ended = run_in_terminal("rename-project", "Shop", "store", env=env, typed="y\n", until="[y/N]")
    assert ended.returncode == 0
    assert ended.lines == [
        'Move 3 contexts of "shop" to the project "store"? [y/N] y',
        '3 contexts moved from "shop" to "store".',
    ]
    assert projects(env) == {"store": 3, "home lab": 1}


def test_projects_become_one_only_when_told(env: dict[str, str]) -> None:
    ended = run("rename-project", "shop", "home_lab", "--yes", env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        'extended-memory-mcp: There is a project "home lab" already, with 1 context: --merge makes '
        "one of both.\n"
    )
    assert projects(env) == {"shop": 3, "home lab": 1}
    ended = run("rename-project", "shop", "home_lab", "--merge", "--yes", "--json", env=env)
    assert json.loads(ended.stdout) == {"project_id": "home lab", "moved": 3}
    assert projects(env) == {"home lab": 4}


@pytest.mark.parametrize(
    ("names", "pin", "said"),
    [
        (("nowhere", "x"), "", 'There is no project "nowhere": projects lists them.'),
        (("My-Shop", "my_shop"), "", 'Both names are those of the project "my shop"'),
        (("shop", "x"), "shop", "EXTENDED_MEMORY_PROJECT pins this memory to the project"),
        (("shop", "x"), "home lab", "EXTENDED_MEMORY_PROJECT pins this memory to the project"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(
    env: dict[str, str], names: tuple[str, str], pin: str, said: str
) -> None:
    ended = run("rename-project", *names, "--yes", env={**env, "EXTENDED_MEMORY_PROJECT": pin})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert projects(env) == {"shop": 3, "home lab": 1}


def test_a_blank_name_is_wrong_usage() -> None:
    ended = run("rename-project", "shop", "_ ", env={})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "The name of a project must not be blank." in ended.stderr
