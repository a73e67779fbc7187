"""``rename-project``, as a person runs it."""

import json
from contextlib import closing

import pytest

from tests.support.commands import opened, run
from tests.support.terminal import run_in_terminal


def projects(env: dict[str, str]) -> dict[str, int]:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return {project.name: project.context_count for project in repository.projects()}


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


def test_a_project_that_is_all_in_the_trash_gets_the_name(env: dict[str, str]) -> None:
    run("add", "soon gone", "--project", "attic", env=env)
    (context_id, *_) = run("list", "--project", "attic", env=env).stdout.split("\t")
    run("forget", context_id, "--yes", env=env)
    ended = run("rename-project", "attic", "cellar", "--yes", env=env)
    assert (ended.returncode, ended.stdout) == (0, 'The trash moved from "attic" to "cellar".\n')
    assert "cellar" in run("trash", env=env).stdout
