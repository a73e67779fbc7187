"""What was read is answered before the end; a signal makes it short; no answer is a lie."""

import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals

import pytest

from extended_memory.shutdown import PATIENCE_SECONDS
from tests.support.database import connected, contents, flaws
from tests.support.server import COMMAND, PATIENCE, Server, Start, eventually, held_locked

EXIT_SECONDS = PATIENCE_SECONDS - 1.0
"""Promised is one second. A busy machine takes more, but less than a wait that nothing ends."""

GIVEN_UP_SECONDS = PATIENCE_SECONDS + 20.0
"""As above, where nothing goes on any more."""

SIGNALS = (SIGTERM, SIGINT, SIGHUP)

WRITTEN_BY_0_9_0 = Path(__file__).parents[1] / "data" / "written_by_0.9.0.sqlite3.gz"

ENDINGS: dict[str, Callable[[Server], float]] = {
    "end of input": Server.close_input,
    "SIGTERM": lambda server: server.signal(SIGTERM),
    "SIGINT": lambda server: server.signal(SIGINT),
}
endings = pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)


def _measure(server: Server, end: Callable[[Server], float], what: str) -> float:
    """End a server; check how it ended and return how long it took."""
    began = end(server)
    code = server.process.wait(timeout=PATIENCE)
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
        if number in answers and not answers[number].get("result", {"isError": True})["isError"]
    )


def _pipe_in(server: Server) -> dict[int, str]:
    """Send a handshake and twenty saves, all at once."""
    server.write(
        server.encode("initialize", server.offer())
        + server.encode("notifications/initialized", notify=True)
    )
    return _burst(server, 20)


def _is_told_that_it_is_unfinished(server: Server, request_id: int) -> bool:
    """Say whether a call that was cut short has an answer, and one that promises nothing."""
    return "did not see this call to its end" in server.answers()[request_id]["error"]["message"]


def _burst(server: Server, count: int) -> dict[int, str]:
    """Send many saves at once; return their contents by the request's id."""
    sent, lines = {}, b""
    for number in range(count):
        arguments = {"content": f"Save {number}.", "tags": ["burst"]}
        lines += server.encode("tools/call", {"name": "save_context", "arguments": arguments})
        sent[server.last_id] = f"Save {number}."
    server.write(lines)
    return sent


@pytest.mark.long(but=1)
@endings
def test_an_idle_server_ends(end: Callable[[Server], float], start: Start) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    assert _measure(server, end, "idle") < EXIT_SECONDS


@pytest.mark.long(but=1)
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


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_signal_ends_a_server_while_a_save_waits_for_a_locked_database(
    number: Signals, mode: str, start: Start, place: Path
) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    with held_locked(place, mode):
        waits = server.request_call("save_context", content="Waits in vain.")
        server.ask("tools/list")
        time.sleep(0.1)  # for the save to reach the lock
        assert _measure(server, lambda s: s.signal(number), f"{mode} lock") < EXIT_SECONDS
    assert len(server.answers()) == 4
    assert _is_told_that_it_is_unfinished(server, waits)
    assert contents(place) == ["Before."]
    assert flaws(place) == {}


@pytest.mark.long
@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_end_of_input_waits_for_saves_that_wait_for_the_lock_of_another(
    mode: str, start: Start, filled: Path
) -> None:
    server = start()
    with held_locked(filled, mode):
        sent = _pipe_in(server)
        server.close_input()
        time.sleep(3)  # longer than the process once waited
        assert server.process.poll() is None
    assert server.wait() == 0
    assert _answered_saves(server, sent) == sorted(sent.values())
    assert set(sent.values()) <= set(contents(filled))


@pytest.mark.long
def test_end_of_input_waits_only_so_long_where_nothing_goes_on(start: Start, place: Path) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    with held_locked(place, "IMMEDIATE"):
        waits = server.request_call("save_context", content="Waits in vain.")
        took = _measure(server, Server.close_input, "locked for ever")
    assert PATIENCE_SECONDS - 1 < took < GIVEN_UP_SECONDS
    assert _is_told_that_it_is_unfinished(server, waits)
    assert contents(place) == ["Before."]


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_wait_for_what_was_read(
    number: Signals, start: Start, filled: Path
) -> None:
    server = start()
    server.handshake()
    with held_locked(filled, "EXCLUSIVE"):
        sent = _burst(server, 20)
        server.close_input()
        time.sleep(1)  # for the end of input to be read, and waited for
        assert server.process.poll() is None
        assert _measure(server, lambda s: s.signal(number), "while waiting") < EXIT_SECONDS
    assert set(server.answers()) >= set(sent)
    assert _answered_saves(server, sent) == []
    assert not set(sent.values()) & set(contents(filled))


def test_the_second_signal_ends_the_wait_at_once(start: Start, filled: Path) -> None:
    server = start()
    server.handshake()
    with held_locked(filled, "EXCLUSIVE"):
        _burst(server, 20)
        time.sleep(0.5)
        server.signal(SIGTERM)
        assert _measure(server, lambda s: s.signal(SIGTERM), "the second") < EXIT_SECONDS


@pytest.fixture
def large(place: Path) -> Path:
    """Give a file of 0.9.0 that takes seconds to upgrade."""
    place.parent.mkdir()
    place.write_bytes(gzip.decompress(WRITTEN_BY_0_9_0.read_bytes()))
    with connected(place) as connection:
        connection.execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
            "WHERE n < 40000) INSERT INTO contexts (project_id, content, importance_level, "
            "status, created_at) SELECT 'large', 'Old ' || n, 8, 'active', "
            "'2025-01-02 03:04:05.000000' FROM numbers"
        )
    return place


@pytest.mark.long
def test_what_is_piped_in_before_an_upgrade_is_answered_after_it(start: Start, large: Path) -> None:
    server = start()
    sent = _pipe_in(server)
    assert server.end() == 0
    assert _answered_saves(server, sent) == sorted(sent.values())
    assert set(sent.values()) < set(contents(large))


@pytest.mark.long
@pytest.mark.parametrize("is_at_end", [False, True])
def test_a_signal_ends_an_upgrade_and_the_next_server_makes_it(
    is_at_end: bool, start: Start, large: Path
) -> None:
    server = start()
    sent = _pipe_in(server)
    if is_at_end:
        server.close_input()
    eventually(lambda: "Wrote a backup" in server.log())
    assert _measure(server, lambda s: s.signal(SIGTERM), "while upgrading") < EXIT_SECONDS
    assert set(server.answers()) >= set(sent)  # none is dropped without a word
    again = start()
    again.handshake()
    assert again.ok("load_contexts", project_id="large")["total"] == 40_000
    assert set(_answered_saves(server, sent)) <= set(contents(large))
    assert flaws(large) == {}


def test_a_call_that_was_cancelled_is_not_waited_for(start: Start, place: Path) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before.")
    with held_locked(place, "IMMEDIATE"):
        cancelled = server.request_call("save_context", content="Cancelled.")
        server.ask("tools/list")
        time.sleep(0.1)  # for the save to reach the lock
        server.notify("notifications/cancelled", {"requestId": cancelled})
        server.ask("tools/list")
    assert _measure(server, Server.close_input, "cancelled") < PATIENCE_SECONDS
    assert cancelled not in server.answers()


@pytest.mark.long(but=1)
@pytest.mark.parametrize("is_closed", [True, False], ids=["input closed", "input left open"])
def test_what_was_read_is_carried_out_although_nobody_reads_the_answers(
    is_closed: bool, start: Start, filled: Path
) -> None:
    server = start()  # only to write the lines for the other one
    lines = server.encode("initialize", server.offer())
    lines += server.encode("notifications/initialized", notify=True)
    for number in range(20):
        call = {"name": "save_context", "arguments": {"content": f"Unheard {number}."}}
        lines += server.encode("tools/call", call)
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(lines)
        process.stdin.flush()
        if is_closed:
            process.stdin.close()
        assert process.wait(timeout=PATIENCE) == 0
    assert {f"Unheard {number}." for number in range(20)} < set(contents(filled))


@pytest.mark.long(but=1)
@pytest.mark.parametrize("seed", range(3))
def test_a_pipeline_in_pieces_of_any_size_is_answered_once_each(
    seed: int, start: Start, place: Path
) -> None:
    chosen = random.Random(seed)
    server = start()
    lines = server.encode("initialize", server.offer())
    lines += server.encode("notifications/initialized", notify=True)
    saves = {}
    for number in range(60):
        content = f"Piece {number}. " + "ж" * chosen.randrange(2_000)
        call = {"name": "save_context", "arguments": {"content": content}}
        lines += chosen.choice((b"", b"\n", b"no message\n"))
        lines += server.encode(chosen.choice(("ping", "none")))
        lines += server.encode("tools/call", call)
        saves[server.last_id] = content.strip()
    while lines:
        size = chosen.choice((1, 7, 1_000, 70_000))
        server.write(lines[:size])
        lines = lines[size:]
    assert server.end() == 0
    ids = [json.loads(line)["id"] for line in server.lines]
    assert sorted(filter(None, ids)) == list(range(1, server.last_id + 1))
    assert _answered_saves(server, saves) == sorted(saves.values())
    assert contents(place) == sorted(saves.values())


@pytest.mark.long
def test_twenty_saves_of_a_busy_machine_are_answered(start: Start, filled: Path) -> None:
    spin = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(spin) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        server = start()
        sent = _pipe_in(server)
        server.close_input()
        assert server.process.wait(timeout=300) == 0
        server.wait()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert _answered_saves(server, sent) == sorted(sent.values())


@pytest.mark.long(but=1)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_server_whose_store_is_locked_by_another_from_the_beginning(
    number: Signals, start: Start, filled: Path
) -> None:
    with held_locked(filled, "EXCLUSIVE"):
        server = start()
        server.handshake()
        server.request_call("save_context", content="Waits in vain.")
        time.sleep(0.5)  # for the store to be opened, as far as it can be
        took = _measure(server, lambda s: s.signal(number), "locked from the beginning")
        assert took < EXIT_SECONDS
    assert "Waits in vain." not in contents(filled)


@pytest.mark.long(but=1)
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


def test_a_script_piped_in_on_a_fresh_path_is_answered_in_full(start: Start, place: Path) -> None:
    server = start()
    sent = _pipe_in(server)
    assert server.end() == 0
    assert _answered_saves(server, sent) == contents(place) == sorted(sent.values())
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
    # The second one ends it at once: a save may be stored whose answer was not written any more.
    assert set(_answered_saves(server, sent)) <= set(contents(place))
    assert flaws(place) == {}


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
    ended = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    print(f"start and end without input: {time.monotonic() - began:.3f} s")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@pytest.mark.long
@pytest.mark.parametrize("ended_by", ["end of input", "SIGTERM"])
def test_a_client_that_stops_reading_does_not_keep_the_server_alive(
    ended_by: str, start: Start
) -> None:
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
        if ended_by == "SIGTERM":
            process.send_signal(SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(timeout=PATIENCE) == 0
        took = time.monotonic() - began
        print(f"with a full pipe: {took:.3f} s")
        assert took < (EXIT_SECONDS if ended_by == "SIGTERM" else GIVEN_UP_SECONDS)
