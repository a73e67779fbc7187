"""Several servers on one file: nothing that was acknowledged is lost, refused or doubled."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.database import flaws, stored
from tests.support.server import Json, Server, Start, eventually


def _tags(server: int, number: int) -> list[str]:
    return sorted(["all", f"server {server}", f"number {number % 7}"])


def _send_saves(server: Server, which: str, index: int, count: int) -> dict[int, tuple[str, int]]:
    """Send saves at once; return their contents and numbers by the request's id."""
    sent, lines = {}, b""
    for number in range(count):
        arguments = {
            "content": f"{which}, server {index}, save {number}.",
            "tags": _tags(index, number),
            "importance_level": number % 10 + 1,
            "project_id": f"project {number % 3}",
        }
        lines += server.encode("tools/call", {"name": "save_context", "arguments": arguments})
        sent[server.last_id] = (str(arguments["content"]), number)
    server.write(lines)
    return sent


def _acknowledged(
    server: Server, sent: dict[int, tuple[str, int]], index: int
) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Return by its id what the server said that it saved."""
    answers = server.answers()
    refusals = [answers[call] for call in sent if call in answers and not _succeeded(answers[call])]
    assert refusals == []
    return {
        answers[call]["result"]["structuredContent"]["id"]: (content, tuple(_tags(index, number)))
        for call, (content, number) in sent.items()
        if call in answers
    }


def _succeeded(answer: Json) -> bool:
    return "result" in answer and not answer["result"]["isError"]


def _wait_for_lines(servers: list[Server], fewest: int) -> None:
    """Wait until each server has answered the handshake and so many saves."""
    eventually(lambda: all(len(server.lines) > fewest for server in servers))


@pytest.mark.long
def test_eight_servers_that_start_at_once_on_a_fresh_path_store_all_they_acknowledge(
    start: Start, place: Path
) -> None:
    servers = [start() for _ in range(8)]
    for server in servers:
        server.write(
            server.encode("initialize", server.offer())
            + server.encode("notifications/initialized", notify=True)
        )
    sent = [_send_saves(server, "Once", index, 50) for index, server in enumerate(servers)]
    for server, calls in zip(servers, sent, strict=True):
        for call in calls:
            server.answer(call, within=60)
    acknowledged = [
        _acknowledged(server, calls, index)
        for index, (server, calls) in enumerate(zip(servers, sent, strict=True))
    ]
    assert [len(saves) for saves in acknowledged] == [50] * 8
    together = {number: save for saves in acknowledged for number, save in saves.items()}
    assert len(together) == 400
    assert stored(place) == together
    assert flaws(place) == {}
    for server in servers:
        server.close_input()
    assert [server.wait() for server in servers] == [0] * 8
    assert stored(place) == together
    assert flaws(place) == {}


@pytest.mark.long
def test_of_four_servers_killed_while_saving_every_acknowledged_save_is_there(
    start: Start, place: Path
) -> None:
    together: dict[int, tuple[str, tuple[str, ...]]] = {}
    for turn, fewest in enumerate((1, 20, 60)):
        servers = [start() for _ in range(4)]
        for server in servers:
            server.handshake()
        sent = [
            _send_saves(server, f"Turn {turn}", index, 300) for index, server in enumerate(servers)
        ]
        _wait_for_lines(servers, fewest)
        for server in servers:
            server.signal(SIGKILL)
        assert [server.wait() for server in servers] == [-SIGKILL] * 4
        unsaved = 0
        for index, (server, calls) in enumerate(zip(servers, sent, strict=True)):
            saves = _acknowledged(server, calls, index)
            assert len(saves) >= fewest
            unsaved += 300 - len(saves)
            assert not saves.keys() & together.keys()
            together |= saves
        assert unsaved > 0  # they were killed while saving, not after it
        found = stored(place)
        assert {number: found.get(number) for number in together} == together
        contents = [content for content, _ in found.values()]
        assert len(contents) == len(set(contents))
        assert flaws(place) == {}


def test_a_repeated_save_answers_the_same_id_from_every_server(start: Start, place: Path) -> None:
    servers = [start() for _ in range(2)]
    for server in servers:
        server.handshake()
    calls = [
        server.request_call("save_context", content="Twice.", tags=["t"]) for server in servers
    ]
    ids = {
        server.answer(call)["result"]["structuredContent"]["id"]
        for server, call in zip(servers, calls, strict=True)
    }
    assert len(ids) == 1
    assert list(stored(place).values()) == [("Twice.", ("t",))]
