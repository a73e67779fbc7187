"""The command that searches, run as a person does."""

import json

import pytest

from tests.support.commands import run
from tests.support.contexts import CONTENTS
from tests.support.terminal import run_in_terminal


def test_what_is_found_comes_a_line_each(env: dict[str, str]) -> None:
    ended = run("search", "transactional", "--project", "shop", env=env)
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        0,
        f"1\t1.00\t2026-03-07 09:15\tdatabase, decision\t{CONTENTS[0][1]}\n",
        "",
    )


def test_filters_apply(env: dict[str, str]) -> None:
    for filters in (("--importance", "10"), ("--tag", "stock"), ("--until", "2026-03-06")):
        ended = run("search", "transactions", "--project", "shop", *filters, env=env)
        assert (ended.returncode, ended.stdout) == (0, ""), filters
        assert 'Nothing in the project "shop" matches.' in ended.stderr


def test_where_nothing_is_found_it_is_said_what_may_help(env: dict[str, str]) -> None:
    said = {
        arguments: run("search", *arguments, env=env).stderr
        for arguments in [
            ("postgresqk", "--project", "shop", "--tag", "none"),
            ("postgresql",),
            ("postgresql", "--project", "shop", "--offset", "5"),
        ]
    }
    assert list(said.values()) == [
        'Nothing in the project "shop" matches. Others are "home lab": use --project.\n'
        "Did you mean: PostgreSQL?\n",
        'Nothing in the project "general" matches. Others are "shop", "home lab": use --project.\n',
        "Nothing is left at offset 5.\n",
    ]


def test_a_script_gets_the_whole_content_and_the_reasons(env: dict[str, str]) -> None:
    ended = run("search", "short postgre", "--project", "shop", "--limit", "1", "--json", env=env)
    answer = json.loads(ended.stdout)
    (found,) = answer["contexts"]
    assert (answer["project_id"], answer["total"], answer["next_offset"]) == ("shop", 2, 1)
    assert {"id", "content", "score", "matched", "tags", "created_at"} < found.keys()
    assert found["content"] == CONTENTS[found["id"] - 1][1]


def test_a_word_that_begins_with_a_hyphen_is_searched_for(env: dict[str, str]) -> None:
    ended = run("search", "-transactions", "--project", "shop", env=env)
    assert ended.stdout.startswith("1\t"), ended.stderr


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_shows_the_passage_that_answers(env: dict[str, str], columns: int) -> None:
    long = "Something else first, " * 30 + "the keyword stands here. " + "Then more. " * 30
    run("add", long, "--project", "shop", env=env)
    ended = run_in_terminal("search", "keyword", "--project", "shop", env=env, columns=columns)
    (line,) = (line for line in ended.lines if "5 " in line)
    assert "keyword" in line
    assert line.endswith("…")
    assert len(line) <= columns
