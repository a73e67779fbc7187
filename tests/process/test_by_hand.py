"""What a person sees who starts the server in a terminal, instead of a client."""

from pathlib import Path

import pytest

from tests.support.server import Start
from tests.support.terminal import run_in_terminal

NOTICE = [
    "Waiting for an MCP client to speak JSON-RPC on standard input; Ctrl-C ends this.",
    "Commands to use by hand are listed by: extended-memory-mcp --help",
]


def test_it_says_in_two_lines_what_it_waits_for_and_where_help_is() -> None:
    ended = run_in_terminal(env={}, typed="\x04", until="--help")
    assert ended.returncode == 0
    assert [line for line in ended.lines if line][:2] == NOTICE
    assert all(len(line) <= 80 for line in NOTICE)


def test_a_client_is_told_nothing(start: Start) -> None:
    server = start()
    server.handshake()
    assert server.end() == 0
    assert not any(line in server.log() for line in NOTICE)


def test_a_word_that_is_no_command_is_refused_and_the_one_that_is_meant_is_named(
    place: Path,
) -> None:
    ended = run_in_terminal("serch", env={"TERM": "dumb"})
    assert ended.returncode == 2
    assert 'Did you mean "search"?' in ended.screen
    assert not place.exists()


@pytest.mark.parametrize("typed", ["--hlep", "--project shop list"])
def test_an_option_that_is_not_known_starts_no_server_at_a_terminal(
    typed: str, place: Path
) -> None:
    ended = run_in_terminal(*typed.split(), env={"TERM": "dumb"})
    assert ended.returncode == 2
    assert not any(line in ended.screen for line in NOTICE)
    assert not place.exists()
