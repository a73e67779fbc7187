"""The command line takes what a person's fingers expect."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.server import COMMAND


def test_words_need_no_quotes(env: dict[str, str]) -> None:
    added = run("add", "two", "plain", "words", "-p", "shop", "--json", env=env)
    assert json.loads(added.stdout)["project_id"] == "shop"
    found = run("search", "plain", "words", "-p", "shop", env=env)
    assert found.stdout.endswith("\ttwo plain words\n")


@pytest.mark.parametrize("command", ["add", "search"])
def test_a_mistyped_option_is_no_word_of_a_text(env: dict[str, str], command: str) -> None:
    ended = run(command, "words", "--projct", "shop", env=env)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "There is no option --projct." in ended.stderr


def test_a_text_in_quotes_is_kept_byte_for_byte(env: dict[str, str]) -> None:
    text = "-x  two  blanks\n\n--and a line"
    run("add", text, "-p", "attic", env=env)
    assert (
        run("show", run("list", "-p", "attic", env=env).stdout.split("\t")[0], env=env).stdout
        == text
    )


def test_ids_are_taken_as_they_are_printed(env: dict[str, str]) -> None:
    assert run("show", "#2", env=env).stdout == run("show", "2", env=env).stdout
    ended = run("forget", "#1", "2", "-y", env=env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert run("restore", "#1", env=env).returncode == 0


def test_several_notes_are_shown_at_once_those_in_the_trash_too(env: dict[str, str]) -> None:
    run("forget", "2", "-y", env=env)
    shown = run("show", "1", "2", env=env).stdout
    assert shown.index("#1 importance") < shown.index("#2 importance")
    assert "in the trash since" in shown
    values = json.loads(run("show", "1", "2", "--json", env=env).stdout)
    assert [(each["id"], "forgotten_at" in each) for each in values] == [(1, False), (2, True)]


def test_an_earlier_text_is_headed_by_what_it_was(env: dict[str, str]) -> None:
    run("edit", "1", "--importance", "3", env=env)
    told = run("show", "1", "--revision", "1", "--json", env=env)
    assert json.loads(told.stdout)["importance_level"] == 9


@pytest.mark.parametrize("tags", [("-t", "red,blue"), ("--tag", "red", "-t", "blue")])
def test_tags_stand_between_commas_or_apart(env: dict[str, str], tags: tuple[str, ...]) -> None:
    run("add", "coloured", *tags, "-p", "attic", env=env)
    (line,) = run("list", "-p", "attic", "-t", "blue", env=env).stdout.splitlines()
    assert "\tblue, red\t" in line


def test_a_name_that_looks_like_an_emoji_stays_a_name(env: dict[str, str]) -> None:
    ended = run("add", "x", "-p", "a:b:c", env=env)
    assert '"a:b:c"' in ended.stdout
    run("forget", "5", "-y", env=env)
    assert "a:b:c" in run("trash", env=env).stdout


@pytest.mark.long(but=2)
@pytest.mark.parametrize(
    "command", ["list -p shop", "search ё -p shop", "projects", "tags -p shop"]
)
def test_a_pipe_gets_utf_8_whatever_the_system_speaks(env: dict[str, str], command: str) -> None:
    run("add", "ёж", "-p", "shop", "-t", "ёлка", env=env)
    plain = {**env, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run(
        [*COMMAND, *command.split()],
        env={**os.environ, **plain},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert "?" not in ended.stdout.decode("utf-8")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="it is a device of Linux")
@pytest.mark.long(but=2)
@pytest.mark.parametrize("command", ["show 1", "list -p shop", "stats", "projects --json"])
def test_an_output_that_is_full_is_a_sentence(env: dict[str, str], command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, *command.split()],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr == (
        "extended-memory-mcp: The answer cannot be written: No space left on device.\n"
    )
