"""A server that can no longer hear, speak or think ends, so that its client starts another one."""

import subprocess
from pathlib import Path

import pytest

from tests.support.server import COMMAND, Start, text

SECRET = "swordfish"

# Each is a library that fails at a message, as one might at one that nobody foresaw.
FAULTS = {
    "the reader": """
import pydantic_core
real = pydantic_core.from_json

def fail(line, **options):
    if b"swordfish" in line:
        raise KeyError(line)
    return real(line, **options)

pydantic_core.from_json = fail
""",
    "the writer": """
import mcp_types
real = mcp_types.JSONRPCResponse.model_dump_json

def fail(self, **options):
    line = real(self, **options)
    if "swordfish" in line:
        raise KeyError(line)
    return line

mcp_types.JSONRPCResponse.model_dump_json = fail
""",
    "the server": """
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
real = JSONRPCDispatcher._dispatch

async def fail(self, item, *others):
    if "swordfish" in str(item):
        raise KeyError(item)
    await real(self, item, *others)

JSONRPCDispatcher._dispatch = fail
""",
    "the server, without an error": """
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
real = JSONRPCDispatcher._dispatch

async def fail(self, item, *others):
    await real(self, item, *others)
    if "swordfish" in str(item):
        await self._read_stream.aclose()

JSONRPCDispatcher._dispatch = fail
""",
}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_that_nobody_foresaw_ends_the_process(
    fault: str, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(fault)
    server = start(env={"PYTHONPATH": str(tmp_path)})
    server.handshake()
    saved = server.ok("save_context", content="Before.")
    server.write(
        server.encode("tools/call", {"name": "load_contexts", "arguments": {}})
        + server.encode("tools/call", {"name": SECRET, "arguments": {}})
    )
    assert server.wait() == 1  # although its input is still open
    assert saved["id"] == 1
    assert server.last_id - 1 in server.answers()
    assert "CRITICAL" in server.log()
    assert SECRET not in server.log()
    again = start()
    again.handshake()
    assert "Before." in text(again.call("load_contexts", importance_level=1))


def test_an_output_that_cannot_be_written_ends_the_process(start: Start) -> None:
    server = start()  # only to write the line for the other one
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=full) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(server.encode("initialize", server.offer()))
        process.stdin.flush()
        assert process.wait(timeout=60) == 1


@pytest.mark.long(but=1)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["none", "a byte order mark"])
@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_byte_order_mark_before_the_first_line_is_passed_over(
    mark: str, blank: str, start: Start
) -> None:
    server = start()
    server.write((mark + blank).encode() + server.encode("initialize", server.offer()))
    assert "result" in server.answer(server.last_id)
    server.write(mark.encode() + server.encode("ping"))
    assert server.message().get("id") == (None if mark else server.last_id)


def test_input_in_utf_16_is_a_parse_error(start: Start) -> None:
    server = start()
    server.write(server.encode("initialize", server.offer()).decode().encode("utf-16"))
    assert server.message()["error"]["code"] == -32700
    assert server.end() == 0


def test_no_character_of_an_answer_ends_a_line_but_its_end(start: Start) -> None:
    separators = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1eh\ri"
    server = start()
    server.handshake()
    server.ok("save_context", content=separators, importance_level=9, tags=["t\u2028"])
    loaded = server.ok("load_contexts")["contexts"][0]["content"]
    server.refused(f"none{separators}")
    server.answer(server.request(f"none{separators}"))
    assert server.end() == 0
    assert loaded == separators
    assert len(server.lines) == 5
    assert all(len(line.decode().splitlines()) == 1 for line in server.lines)
