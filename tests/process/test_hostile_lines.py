"""Lines that no well-behaved client sends: each is answered, none is stored."""

import json
import time
from collections.abc import Iterator

import pytest

from extended_memory.protocol.nesting import MAXIMUM_DEPTH
from extended_memory.protocol.transport import MAXIMUM_LINE_BYTES
from tests.support.server import ERAS, Server, stray_lines, text

REFUSED_ARGUMENTS = {
    "a lone surrogate as content": (r'{"content": "a\ud800b"}', "content must be Unicode"),
    "a lone surrogate in upper case": (r'{"content": "\UDFFF"}'.replace("U", "u"), "content must"),
    "a lone surrogate as a tag": (r'{"content": "a", "tags": ["\udc00"]}', "tags[0] must be"),
    "a lone surrogate in a list as text": (
        r'{"content": "a", "tags": "[\"\\ud800\"]"}',
        "tags[0] must be Unicode",
    ),
    "a lone surrogate as project_id": (
        r'{"content": "a", "project_id": "\ud83d"}',
        "project_id must be Unicode",
    ),
    "a lone surrogate as a number": (
        r'{"content": "a", "importance_level": "\ud800"}',
        "importance_level must be a whole number",
    ),
    "a lone surrogate as the name of an argument": (r'{"content": "a", "\ud800": 1}', "ud800"),
    "60,000 bytes": (
        json.dumps({"content": "x" * 60_000}),
        "content must be at most 50,000 bytes of UTF-8: split it",
    ),
    "5,000,000 bytes": (
        json.dumps({"content": "x" * 5_000_000}),
        "content must be at most 50,000 bytes of UTF-8: split it",
    ),
    "nested 150 deep": ('{"content": %s}' % ("[" * 150 + "]" * 150), "content must be text"),
    "beyond all numbers": ('{"content": "a", "importance_level": 1e999}', "importance_level must"),
    "5,000 digits": (
        '{"content": "a", "importance_level": %s}' % ("9" * 5_000),
        "importance_level must be a whole number",
    ),
    "5,000 digits as a text": (
        '{"content": "a", "importance_level": "%s"}' % ("9" * 5_000),
        "importance_level must be a whole number",
    ),
    "a list as text, nested 100,000 deep": (
        '{"content": "a", "tags": "%s"}' % ("[" * 100_000 + "]" * 100_000),
        "tags must be a list of texts",
    ),
    "a number as text, nested 900 deep": (
        '{"content": "a", "importance_level": "%s"}' % ("[" * 900 + "]" * 900),
        "importance_level must be a whole number",
    ),
    "ids as text, nested 900 deep": (
        '{"content": "a", "tags": "%s"}' % ("[" * 900 + "]" * 900),
        "tags must be a list of texts",
    ),
    "one name twice": ('{"content": "a", "content": ["b"]}', "content must be text"),
    "a NUL as project_id": (r'{"content": "a", "project_id": "a\u0000b"}', "control characters"),
    "null": ("null", "content is required"),
}

PARSE_ERROR = -32700
INVALID_REQUEST = -32600

REQUEST = '{"jsonrpc": "2.0", "id": 7007, "method": "tools/call", "params": %s}'
CALL = REQUEST % '{"name": "save_context", "arguments": {"content": "a", %s}}'
NO_JSON = {
    "NaN": '"importance_level": NaN',
    "Infinity": '"importance_level": Infinity',
    "-Infinity": '"importance_level": -Infinity',
    "NaN beside a lone surrogate": r'"importance_level": NaN, "tags": ["\ud800"]',
}

DOORS = {
    "an argument": REQUEST % '{"name": "save_context", "arguments": {"content": %s}}',
    "a tag": REQUEST % '{"name": "save_context", "arguments": {"content": "a", "tags": [%s]}}',
    "an unknown argument": REQUEST % '{"name": "save_context", "arguments": {"none": %s}}',
    "an argument beside a lone surrogate": (
        REQUEST % r'{"name": "save_context", "arguments": {"tags": "\ud800", "content": %s}}'
    ),
    "the name of a tool": REQUEST % '{"name": %s, "arguments": {}}',
    "_meta": REQUEST % '{"_meta": {"x": %s}, "name": "load_contexts", "arguments": {}}',
    "an unknown method": '{"jsonrpc": "2.0", "id": 7007, "method": "none", "params": {"a": %s}}',
    "before the id": '{"jsonrpc": "2.0", "method": "ping", "params": {"a": %s}, "id": 7007}',
    "an answer": '{"jsonrpc": "2.0", "id": 7007, "result": {"a": %s}}',
    "an error": (
        '{"jsonrpc": "2.0", "id": 7007, "error": {"code": 1, "message": "a", "data": %s}}'
    ),
    "a notification": '{"jsonrpc": "2.0", "method": "notifications/none", "params": {"a": %s}}',
    "the end of a request": (
        '{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": %s}}'
    ),
    "the id": '{"jsonrpc": "2.0", "id": %s, "method": "ping"}',
    "a list": "%s",
}
WITHOUT_AN_ID = {"a notification", "the end of a request", "the id", "a list"}

NESTS = {
    "lists": ("[", '"]"', "]"),
    "objects": ('{"\\"[": ', '"{"', "}"),
}
# The id is one that no other request to the module's server has.
REFUSED_LINES = {
    "bytes that are not UTF-8": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "tools/call", "params": {"name": "save_context",'
        b' "arguments": {"content": "\xff\xfe"}}}',
        {PARSE_ERROR},
    ),
    "a surrogate in UTF-8": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "tools/call", "params": {"name": "save_context",'
        b' "arguments": {"content": "\xed\xa0\x80"}}}',
        {PARSE_ERROR},
    ),
    "JSON that breaks off": (b'{"jsonrpc": "2.0", "id": 7007, "method"', {PARSE_ERROR}),
    "words": (b"Content-Length: 120", {PARSE_ERROR}),
    "5 MB of nothing": (b"x" * 5_000_000, {PARSE_ERROR}),
    "zeros": (b"\0" * 100, {PARSE_ERROR}),
    "a byte order mark": (
        b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 7007, "method": "ping"}',  # in the middle
        {PARSE_ERROR},
    ),
    "UTF-16": ('{"jsonrpc": "2.0", "id": 7007}'.encode("utf-16").rstrip(b"\n"), {PARSE_ERROR}),
    "a NUL in a text": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "tools/call", "params": {"name": "save_context",'
        b' "arguments": {"content": "a\0b"}}}',
        {PARSE_ERROR},
    ),
    "JSON nested 300 deep": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "ping", "params": {"a": %s}}'
        % (b"[" * 300 + b"]" * 300),
        {PARSE_ERROR, INVALID_REQUEST},
    ),
    "JSON nested 100,000 deep": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "ping", "params": {"a": %s}}'
        % (b"[" * 100_000 + b"]" * 100_000),
        {PARSE_ERROR, INVALID_REQUEST},
    ),
    "a batch": (b'[{"jsonrpc": "2.0", "id": 7007, "method": "ping"}]', {INVALID_REQUEST}),
    "a text": (b'"ping"', {INVALID_REQUEST}),
    "an empty object": (b"{}", {INVALID_REQUEST}),
    "no method": (b'{"jsonrpc": "2.0", "id": 7007}', {INVALID_REQUEST}),
    "JSON-RPC 1.0": (b'{"jsonrpc": "1.0", "id": 7007, "method": "ping"}', {INVALID_REQUEST}),
    "no version": (b'{"id": 7007, "method": "ping"}', {INVALID_REQUEST}),
    "a number as method": (b'{"jsonrpc": "2.0", "id": 7007, "method": 5}', {INVALID_REQUEST}),
    "a fraction as id": (
        b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}',
        {INVALID_REQUEST},
    ),
    "a list as id": (b'{"jsonrpc": "2.0", "id": [7], "method": "ping"}', {INVALID_REQUEST}),
    "a list as parameters": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "ping", "params": [1]}',
        {INVALID_REQUEST, -32602},
    ),
    "a text as parameters": (
        b'{"jsonrpc": "2.0", "id": 7007, "method": "ping", "params": "x"}',
        {INVALID_REQUEST, -32602},
    ),
    "a lone surrogate as id": (
        rb'{"jsonrpc": "2.0", "id": "\ud800", "method": "ping"}',
        {INVALID_REQUEST},
    ),
    "a lone surrogate as method": (
        rb'{"jsonrpc": "2.0", "id": 7007, "method": "\ud800"}',
        {INVALID_REQUEST, -32601, -32602},
    ),
}

HARMLESS_LINES = {
    "an empty line": b"",
    "an empty line of another system": b"\r",
    "spaces": b"  \t ",
    "an answer to nothing": b'{"jsonrpc": "2.0", "id": 99, "result": {}}',
    "a notification of nothing": b'{"jsonrpc": "2.0", "method": "notifications/none"}',
    "the end of a request that is not there": (
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12345}}'
    ),
}


@pytest.fixture(scope="module", params=ERAS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Give one server for all lines, with one context; it must outlive them all."""
    folder = tmp_path_factory.mktemp("hostile")
    env = {"STORAGE_CONNECTION_STRING": str(folder / "memory.db"), "HOME": str(folder)}
    with Server(stderr=folder / "stderr", env=env, version=request.param) as server:
        server.handshake()
        server.ok("save_context", content="The only one.")
        yield server
        assert server.end() == 0
        assert stray_lines(b"".join(server.lines)) == []
        assert "Traceback" not in server.log()


@pytest.fixture(autouse=True)
def _lives_on(server: Server) -> Iterator[None]:
    """Check after each line that nothing was stored and that the next call is served."""
    yield
    assert [p["context_count"] for p in server.ok("list_all_projects")["projects"]] == [1]


@pytest.mark.parametrize(
    ("arguments", "sentence"), REFUSED_ARGUMENTS.values(), ids=REFUSED_ARGUMENTS
)
def test_arguments_that_cannot_be_used_are_refused_in_a_sentence(
    arguments: str, sentence: str, server: Server
) -> None:
    server.write(_call(server, arguments))
    result = server.answer(server.last_id)["result"]
    assert result["isError"]
    assert sentence in text(result)
    assert "\n" not in text(result)


@pytest.mark.parametrize("arguments", ['"text"', "[1]", "5"])
def test_arguments_that_are_no_object_are_invalid_parameters(
    arguments: str, server: Server
) -> None:
    server.write(_call(server, arguments))
    assert server.answer(server.last_id)["error"]["code"] == -32602


def test_a_lone_surrogate_as_the_name_of_a_tool_is_answered(server: Server) -> None:
    server.write(_call(server, "{}", tool=r"save\ud800"))
    answer = server.answer(server.last_id)
    assert "error" in answer or answer["result"]["isError"]


@pytest.mark.long(but=1)
@pytest.mark.parametrize(("line", "codes"), REFUSED_LINES.values(), ids=REFUSED_LINES)
def test_a_line_that_is_no_request_is_answered_by_json_rpcs_own_error(
    line: bytes, codes: set[int], server: Server
) -> None:
    server.write(line + b"\n")
    answer = server.message()
    assert answer["error"]["code"] in codes
    assert answer["id"] in (None, 7007)


@pytest.mark.parametrize("said", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_a_parse_error_of_its_request(said: str, server: Server) -> None:
    server.write((CALL % said).encode() + b"\n")
    answer = server.message()
    assert (answer["id"], answer["error"]["code"]) == (7007, PARSE_ERROR)
    assert "is no JSON" in answer["error"]["message"]


@pytest.mark.long(but=1)
@pytest.mark.parametrize("depth", [MAXIMUM_DEPTH + 1, 200, 201, 500, 950, 1_000, 50_000])
@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
@pytest.mark.parametrize("door", DOORS)
def test_a_line_that_is_nested_too_deeply_is_refused_at_every_door(
    door: str, nest: tuple[str, str, str], depth: int, server: Server
) -> None:
    server.write(_nested(door, nest, depth))
    answer = server.message()
    assert answer["error"]["code"] == INVALID_REQUEST
    assert "not nested too deeply" in answer["error"]["message"]
    assert answer["id"] == (None if door in WITHOUT_AN_ID else 7007)


@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
@pytest.mark.parametrize("door", DOORS)
def test_a_line_that_is_nested_to_the_bound_goes_through_everything(
    door: str, nest: tuple[str, str, str], server: Server
) -> None:
    server.write(_nested(door, nest, MAXIMUM_DEPTH))
    answered = server.request("tools/list")
    said = str([server.message()])
    if answered not in server.answers():
        server.answer(answered)
    assert "nested too deeply" not in said or door == "a list"


def test_a_line_that_is_too_long_is_refused_and_not_kept(server: Server) -> None:
    for _ in range(MAXIMUM_LINE_BYTES // 2**20 + 1):
        server.write(b"[" * 2**20)
    server.write(b"\n")
    answer = server.message()
    assert answer["error"]["code"] == INVALID_REQUEST
    assert "a line is at most 67,108,864 bytes" in answer["error"]["message"]


@pytest.mark.parametrize("line", HARMLESS_LINES.values(), ids=HARMLESS_LINES)
def test_a_line_that_asks_for_nothing_is_passed_over(line: bytes, server: Server) -> None:
    server.write(line + b"\n")
    answered = server.request("tools/list")
    server.answer(answered)
    assert json.loads(server.lines[-1])["id"] == answered
    assert json.loads(server.lines[-2])["id"] != 99


def test_lines_may_end_as_windows_ends_them(server: Server) -> None:
    line = server.encode("tools/call", {"name": "get_popular_tags", "arguments": {}})
    server.write(line.replace(b"\n", b"\r\n"))
    answer = server.answer(server.last_id)
    assert answer["result"]["structuredContent"]["tags"] == []


def test_a_line_may_come_in_pieces(server: Server) -> None:
    line = server.encode("tools/call", {"name": "get_popular_tags", "arguments": {}})
    for piece in (line[:1], line[1:20], line[20:-1], line[-1:]):
        server.write(piece)
        time.sleep(0.01)
    assert not server.answer(server.last_id)["result"]["isError"]


def _nested(door: str, nest: tuple[str, str, str], depth: int) -> bytes:
    """Return a line that is nested so deep, all in all, at a door."""
    begin, middle, end = nest
    before, _, _ = DOORS[door].partition("%s")
    inner = depth - before.count("{") - before.count("[") + before.count("}") + before.count("]")
    return (DOORS[door] % (begin * inner + middle + end * inner)).encode() + b"\n"


def _call(server: Server, arguments: str, *, tool: str = "save_context") -> bytes:
    """Return the line of a call whose arguments are this JSON, to the letter."""
    line = server.encode("tools/call", {"name": "TOOL", "arguments": "ARGUMENTS"}).decode()
    return line.replace("TOOL", tool).replace('"ARGUMENTS"', arguments).encode()
