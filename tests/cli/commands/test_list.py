"""``list``, and what the commands that list have in common, as a person runs them."""

import json

import pytest

from extended_memory.settings import Places
from extended_memory.storage.backends import shown
from tests.support.commands import make, run
from tests.support.contexts import CONTENTS, HOSTILE

SHOWN_HOSTILE = "␛[31mred␛[0m ␛]0;title␇ \ufffd2J \ufffdevil List<int> [b]is[/b] &#x202e; text"

LINES = {
    1: f"1\t9\t2026-03-07 09:15\tdatabase, decision\t{CONTENTS[0][1]}\n",
    2: f"2\t5\t2026-03-08 09:15\t\t{CONTENTS[1][1]}\n",
    4: f"4\t2\t2026-03-10 09:15\tdecision\t{SHOWN_HOSTILE}\n",
}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ((), [4, 2, 1]),
        (("--importance", "5"), [2, 1]),
        (("--tag", "Decision ", "--tag", "network"), [4, 1]),
        (("--since", "2026-03-08", "--until", "2026-03-08"), [2]),
        (("--limit", "2"), [4, 2]),
        (("--limit", "1", "--offset", "2"), [1]),
    ],
)
def test_contexts_are_listed_newest_first_a_line_each(
    env: dict[str, str], filters: tuple[str, ...], ids: list[int]
) -> None:
    ended = run("list", "--project", "SHOP", *filters, env=env)
    assert (ended.returncode, ended.stdout) == (0, "".join(LINES[number] for number in ids))


def test_a_script_gets_contents_as_they_are(env: dict[str, str]) -> None:
    ended = run("list", "--project", "shop", "--limit", "1", "--json", env=env)
    assert json.loads(ended.stdout) == {
        "project_id": "shop",
        "contexts": [
            {
                "id": 4,
                "project_id": "shop",
                "importance_level": 2,
                "tags": ["decision"],
                "created_at": "2026-03-10T09:15:00.000+00:00",
                "updated_at": "2026-03-10T09:15:00.000+00:00",
                "content": HOSTILE,
            }
        ],
        "total": 3,
        "total_is_exact": True,
        "next_offset": 1,
    }
    assert not set(ended.stdout) & set("\x1b\x9b\u202e")


def test_it_is_said_that_there_is_more(env: dict[str, str]) -> None:
    ended = run("list", "--project", "shop", "--limit", "2", env=env)
    assert ended.stderr == "1 to 2 of 3; --offset 2 shows the next.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (),
            'The project "general" holds no context. Others are "shop", "home lab": use '
            "--project.\n",
        ),
        (
            ("--project", "shop", "--importance", "10"),
            'No context of the project "shop" passes these filters. Others are "home lab": use '
            "--project.\n",
        ),
        (("--project", "shop", "--offset", "3"), "Nothing is left at offset 3.\n"),
    ],
)
def test_where_nothing_is_listed_it_is_said_where_something_is(
    env: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = run("list", *arguments, env=env)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", said)


def test_an_empty_memory_is_said_to_be_empty(store: str) -> None:
    env = {"STORAGE_CONNECTION_STRING": store}
    make(store)
    where = f" The memory is {shown(Places().location(store))}.\n"
    said = {command: run(command, env=env) for command in ("projects", "list", "tags", "trash")}
    assert {command: ended.stderr for command, ended in said.items()} == {
        "projects": f"Nothing is saved yet.{where}",
        "list": f'The project "general" holds no context.{where}',
        "tags": f'No context of the project "general" has a tag.{where}',
        "trash": f"The trash is empty.{where}",
    }
    assert {(ended.returncode, ended.stdout) for ended in said.values()} == {(0, "")}


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--importance", "11"), "--importance: it must be at most 10; given: 11."),
        (("--limit", "0"), "--limit: it must be at least 1; given: 0."),
        (("--offset", "x"), '--offset: it must be a whole number; given: "x".'),
        (("--tag", " "), '--tag: it must not be blank; given: " ".'),
        (("--project", "a\tb"), "--project: it must have no control characters"),
        (("--until", "2026-02-30"), "--until: it must be a date or a time that there is"),
    ],
)
def test_a_value_is_refused_by_the_rules_of_the_tools(
    arguments: tuple[str, ...], rule: str
) -> None:
    ended = run("list", *arguments, env={"COLUMNS": "200"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"Invalid value for {rule}" in ended.stderr


def test_a_pin_holds_here_too(env: dict[str, str]) -> None:
    pinned = {**env, "EXTENDED_MEMORY_PROJECT": "Home_Lab"}
    assert run("list", env=pinned).stdout.startswith("3\t8\t")
    assert run("projects", env=pinned).stdout.count("\n") == 1
    ended = run("list", "--project", "shop", env=pinned)
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        'extended-memory-mcp: EXTENDED_MEMORY_PROJECT pins this memory to the project "home lab": '
        "unset it to see or change another one.\n",
    )
