"""The end of input, SIGTERM and Ctrl-C end the process soon, and no answer is a lie."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import pytest

from tests.process.client import COMMAND, Server, eventually, held_locked
from tests.process.conftest import Start
from tests.process.database import connected, contents, flaws

EXIT_SECONDS = 1.5
"""Promised is one second; the rest is for a machine that is busy with other tests."""

ENDINGS: dict[str, Callable[[Server], float]] = {
    "end of input": Server.close_input,
    "SIGTERM": lambda server: server.signal(SIGTERM),
    "SIGINT": lambda server: server.signal(SIGINT),
}
endings = pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)


def _measure(server: Server, end: Callable[[Server], float], what: str) -> float:
    """End a server; check how it ended and return how long it took."""
    began = end(server)
    code = server.process.wait(timeout=30)
    took = time.monotonic() - began
    print(f"{what}: {took:.3f} s")
    server.wait()
    assert code == 0
    assert "Traceback" not in server.log()
    return took


def _answered_saves(server: Server, sent: dict[int, str]) -> list[str]:
    """Return the contents whose saves were answered with success, sorted."""
    answers = server.answers()
    return sorted(
        content
        for number, content in sent.items()
        if number in answers and not answers[number]["result"]["isError"]
    )


def _pipe_in(server: Server) -> dict[int, str]:
    """Send a handshake and twenty saves, all at once."""
    server.write(
        server.encode("initialize", server.offer())
        + server.encode("notifications/initialized", notify=True)
    )
    return _burst(server, 20)


def _is_made(place: Path) -> bool:
    """Say whether the upgrade that makes the tables was committed."""
    if not place.exists():
        return False
    with connected(place) as connection:
        return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _burst(server: Server, count: int) -> dict[int, str]:
    """Send many saves at once; return their contents by the request's id."""
    sent, lines = {}, b""
    for number in range(count):
        arguments = {"content": f"Save {number}.", "tags": ["burst"]}
        lines += server.encode("tools/call", {"name": "save_context", "arguments": arguments})
        sent[server.last_id] = f"Save {number}."
    server.write(lines)
    return sent


@endings
def test_an_idle_server_ends(end: Callable[[Server], float], start: Start) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    assert _measure(server, end, "idle") < EXIT_SECONDS


@pytest.mark.parametrize(
    ("end", "count"),
    [
        (ENDINGS["end of input"], 30),
        (ENDINGS["SIGTERM"], 30),
        (ENDINGS["SIGINT"], 30),
        # More than can be done in the second that is left.
        (ENDINGS["SIGTERM"], 500),
    ],
    ids=["end of input-30", "SIGTERM-30", "SIGINT-30", "SIGTERM-500"],
)
def test_of_a_burst_of_saves_exactly_the_answered_ones_are_stored(
    end: Callable[[Server], float], count: int, start: Start, place: Path
) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    sent = _burst(server, count)
    server.answer(min(sent))
    assert _measure(server, end, f"burst of {count}") < EXIT_SECONDS
    answered = _answered_saves(server, sent)
    unanswered = set(contents(place)) - {"Before.", *answered}
    assert (unanswered, set(answered) - set(contents(place))) == (set(), set())
    assert flaws(place) == {}


@endings
@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_server_ends_while_a_save_waits_for_a_locked_database(
    end: Callable[[Server], float], mode: str, start: Start, place: Path
) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    with held_locked(place, mode):
        server.request_call("save_context", content="Waits in vain.")
        server.ask("tools/list")
        time.sleep(0.1)  # for the save to reach the lock
        assert _measure(server, end, f"{mode} lock") < EXIT_SECONDS
    assert len(server.answers()) == 3
    assert contents(place) == ["Before."]
    assert flaws(place) == {}


@endings
def test_a_server_ends_while_its_store_is_still_locked_by_another_from_the_beginning(
    end: Callable[[Server], float], start: Start, filled: Path
) -> None:
    with held_locked(filled, "EXCLUSIVE"):
        server = start()
        server.handshake()
        server.request_call("save_context", content="Waits in vain.")
        time.sleep(0.5)  # for the store to be opened, as far as it can be
        assert _measure(server, end, "locked from the beginning") < EXIT_SECONDS
    assert "Waits in vain." not in contents(filled)


@pytest.mark.parametrize("count", [20, 400])
def test_end_of_input_right_after_many_saves_answers_them_all(
    count: int, start: Start, place: Path
) -> None:
    server = start()
    server.handshake()
    server.ok("list_all_projects")
    sent = _burst(server, count)
    assert server.end() == 0
    assert _answered_saves(server, sent) == sorted(sent.values())
    assert contents(place) == sorted(sent.values())


def test_a_script_of_twenty_saves_piped_in_at_once_is_answered_in_full(
    start: Start, filled: Path
) -> None:
    server = start()
    sent = _pipe_in(server)
    assert server.end() == 0
    assert _answered_saves(server, sent) == sorted(sent.values())
    assert set(sent.values()) <= set(contents(filled))


def test_of_a_script_piped_in_on_a_fresh_path_exactly_the_answered_saves_are_stored(
    start: Start, place: Path
) -> None:
    server = start()
    sent = _pipe_in(server)
    assert server.end() == 0
    # Making the store may take longer than the second in which the process has to end.
    assert _answered_saves(server, sent) == (contents(place) if _is_made(place) else [])
    assert "result" in server.answers()[1]


def test_a_last_line_without_an_end_is_answered_too(start: Start) -> None:
    server = start()
    server.handshake()
    server.ok("list_all_projects")
    line = server.encode("tools/call", {"name": "save_context", "arguments": {"content": "Last."}})
    server.write(line.rstrip(b"\n"))
    assert server.end() == 0
    assert server.answers()[server.last_id]["result"]["structuredContent"]["id"] == 1


def test_a_second_signal_does_no_harm(start: Start, place: Path) -> None:
    server = start()
    server.handshake()
    sent = _burst(server, 30)
    server.answer(min(sent))
    server.signal(SIGINT)
    assert _measure(server, lambda s: s.signal(SIGTERM), "two signals") < EXIT_SECONDS
    assert contents(place) == _answered_saves(server, sent)


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_signal_before_the_handshake_ends_the_server(number: Signals, start: Start) -> None:
    server = start()
    eventually(lambda: server.catches(number))
    # Python catches SIGINT from its first moment on, and this program a little later.
    eventually(lambda: server.catches(SIGTERM))
    took = _measure(server, lambda s: s.signal(number), "before the handshake")
    assert took < EXIT_SECONDS
    assert server.lines == []


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_signal_while_the_libraries_are_imported_ends_the_server(
    number: Signals, start: Start
) -> None:
    server = start([sys.executable, "-X", "importtime", *COMMAND[1:]])
    eventually(lambda: " pydantic" in server.log())
    assert _measure(server, lambda s: s.signal(number), "while importing") < EXIT_SECONDS
    assert server.lines == []


def test_no_input_at_all_ends_the_server() -> None:
    began = time.monotonic()
    ended = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    print(f"start and end without input: {time.monotonic() - began:.3f} s")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_a_client_that_stops_reading_does_not_keep_the_server_alive(start: Start) -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        server = start()  # only to write the lines for it
        process.stdin.write(server.encode("initialize", server.offer()))
        process.stdin.flush()
        assert process.stdout.readline().startswith(b'{"jsonrpc"')
        for _ in range(20):
            process.stdin.write(server.encode("tools/list"))
        process.stdin.flush()
        time.sleep(0.3)  # the pipe is full now: twenty lists are more than it holds
        began = time.monotonic()
        process.stdin.close()
        assert process.wait(timeout=30) == 0
        print(f"with a full pipe: {time.monotonic() - began:.3f} s")
        assert time.monotonic() - began < EXIT_SECONDS
