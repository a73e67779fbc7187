"""The command that shows one context whole, run as a person does."""

import json
import subprocess

import pytest

from tests.support.commands import run
from tests.support.contexts import CONTENTS, HOSTILE
from tests.support.server import COMMAND
from tests.support.terminal import run_in_terminal


@pytest.mark.parametrize("options", [(), ("--raw",)])
def test_a_pipe_gets_the_content_byte_for_byte(
    env: dict[str, str], options: tuple[str, ...]
) -> None:
    content = "  one\r\ntwo\t ё 🧠 \x1b[0m\n\n"
    run("add", content, env=env)
    shown = subprocess.run(
        [*COMMAND, "show", "5", *options],
        env={**env, "PYTHONIOENCODING": "ascii"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert shown.stdout == content.encode()


def test_a_terminal_shows_what_is_known_and_the_content_as_markdown(env: dict[str, str]) -> None:
    content = "# Title\n\n- `code`\n- **bold** [link](https://example.org)\n\nline one\nline two"
    run("add", content, "--importance", "7", "--tag", "b", "--tag", "a", "--project", "p", env=env)
    ended = run_in_terminal("show", "5", env={**env, "TERM": "dumb"})
    assert ended.returncode == 0
    assert ended.lines[0] == "#5 importance 7, tags: a, b"
    assert ended.lines[1].startswith('project "p", saved 20')
    assert [line.strip() for line in ended.lines[2:]] == [
        "",
        "Title",
        "",
        "• code",
        "• bold link (https://example.org)",
        "",
        "line one",
        "line two",
    ]


def test_nothing_that_is_stored_steers_the_terminal(env: dict[str, str]) -> None:
    ended = run_in_terminal("show", "4", env={**env, "TERM": "dumb"})
    assert ended.lines[3:] == [
        "␛[31mred␛[0m ␛]0;title␇ \ufffd2J \ufffdevil",
        "List<int> [b]is[/b] \ufffd text",
    ]
    assert not set(ended.screen) & set("\x1b\x07\x9b\u202e")


def test_raw_in_a_terminal_is_what_is_stored(env: dict[str, str]) -> None:
    ended = run_in_terminal("show", "4", "--raw", env=env)
    assert ended.screen == HOSTILE + "\n"


def test_what_it_was_before_is_listed_shown_and_given_to_scripts(env: dict[str, str]) -> None:
    run("edit", "1", "--importance", "10", env=env)
    run("edit", "1", "--remove-tag", "decision", env=env)
    listed = [
        line.split("\t") for line in run("show", "1", "--revisions", env=env).stdout.splitlines()
    ]
    assert [(line[0], *line[2:]) for line in listed] == [
        ("2", "10", "database, decision", CONTENTS[0][1]),
        ("1", "9", "database, decision", CONTENTS[0][1]),
    ]
    assert run("show", "1", "--revision", "1", env=env).stdout == CONTENTS[0][1]
    answer = json.loads(run("show", "1", "--json", env=env).stdout)
    assert (answer["importance_level"], answer["tags"]) == (10, ["database"])
    assert [(each["revision"], each["importance_level"]) for each in answer["revisions"]] == [
        (2, 10),
        (1, 9),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("99",),
            "There is no context #99: list and search show the ids, trash those that were "
            "forgotten.",
        ),
        (
            ("3", "--project", "shop"),
            'There is no context #3 in the project "shop": list and search show the ids, trash '
            "those that were forgotten.",
        ),
        (("1", "--revision", "4"), "#1 has no revision 4: show 1 --revisions lists them."),
    ],
)
def test_what_is_not_there_is_said(
    env: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = run("show", *arguments, env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"extended-memory-mcp: {said}\n"


def test_what_is_no_id_is_wrong_usage() -> None:
    ended = run("show", "abc", env={})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert 'ID must be a whole number; given: "abc".' in ended.stderr
