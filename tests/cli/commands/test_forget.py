"""``forget``, as a person runs it."""

import json
from contextlib import closing

from extended_memory.domain import Context
from tests.support.commands import opened, run
from tests.support.contexts import CONTENTS
from tests.support.terminal import run_in_terminal

NOT_THERE = "list and search show the ids, trash those that were forgotten."


def held(env: dict[str, str], context_id: int) -> Context | None:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return next(iter(repository.get([context_id], project=None)), None)


def in_trash(env: dict[str, str]) -> set[int]:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return {row.context.id for row in repository.trash(project=None, limit=100)}


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
