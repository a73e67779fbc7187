"""The command line of the MCP Inspector, in both protocol eras."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import SERVER, TOOLS, Npm

TOOL_ERROR = 5
OTHER_ERROR = 1

pytestmark = pytest.mark.parametrize("era", ["legacy", "modern"])

CALLS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "save_context",
        {"content": "ё, 日本語, 😀", "importance_level": 8, "tags": ["db"], "project_id": "shop"},
        'Saved as #1 in project "shop" (importance 8, tags: db)',
    ),
    ("load_contexts", {"project_id": "shop"}, 'Project "shop": 1 context with importance 7'),
    (
        "search_contexts",
        {"query": "日本語", "project_id": "shop"},
        'Project "shop": 1 context found',
    ),
    ("update_context", {"context_id": 1, "content": "New."}, 'Changed #1 in project "shop"'),
    ("forget_context", {"context_id": 1}, 'Forgot #1 of project "shop"'),
    ("restore_context", {"context_id": 1}, ""),
    ("list_all_projects", {}, ""),
    ("get_popular_tags", {"project_id": "shop"}, ""),
)
"""Every tool, what it is given, and how its answer begins."""


class Inspector:
    """The Inspector on a server of this test's own store."""

    def __init__(self, npm: Npm, place: Path, era: str) -> None:
        self._npm = npm
        store = f"STORAGE_CONNECTION_STRING={place}"
        self._server = (SERVER, "-e", store, "--protocol-era", era, "--connect-timeout", "60000")

    def run(self, method: str, *arguments: str) -> tuple[int, Any]:
        """Return the exit code and what was answered, if anything."""
        ended = self._npm.run(
            "mcp-inspector", "--cli", *self._server, "--method", method, *arguments
        )
        return ended.returncode, json.loads(ended.stdout) if ended.stdout else ended.stderr

    def call(self, tool: str, arguments: dict[str, Any]) -> tuple[int, Any]:
        """Call a tool."""
        given = json.dumps(arguments)
        return self.run("tools/call", "--tool-name", tool, "--tool-args-json", given)


@pytest.fixture
def inspector(npm: Npm, place: Path, era: str) -> Inspector:
    """Give an Inspector that speaks one era."""
    return Inspector(npm, place, era)


def test_the_schemas_of_all_tools_are_portable(inspector: Inspector) -> None:
    code, listed = inspector.run("tools/list", "--strict")
    assert code == 0, "6: a schema that some client does not understand"
    assert {tool["name"] for tool in listed["tools"]} == TOOLS


def test_every_tool_can_be_called(inspector: Inspector) -> None:
    assert {tool for tool, _, _ in CALLS} == TOOLS
    for tool, arguments, beginning in CALLS:
        code, answer = inspector.call(tool, arguments)
        (text,) = (block["text"] for block in answer["content"])
        assert (code, answer["isError"], text[: len(beginning)]) == (0, False, beginning), tool


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("save_context", {"content": " "}, 'content must not be blank; given: " ".'),
        (
            "save_context",
            {"content": "x", "importance_level": 11},
            "importance_level must be at most 10; given: 11.",
        ),
    ],
)
def test_a_refusal_is_an_error_of_the_tool(
    inspector: Inspector, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    code, answer = inspector.call(tool, arguments)
    assert code == TOOL_ERROR
    assert answer["isError"]
    assert answer["content"] == [{"type": "text", "text": sentence}]


def test_what_is_not_there_is_an_error(inspector: Inspector) -> None:
    assert inspector.call("save", {})[0] == TOOL_ERROR
    assert inspector.run("resources/read", "--uri", "memory://x")[0] == OTHER_ERROR
    assert inspector.run("prompts/get", "--prompt-name", "x")[0] == OTHER_ERROR


def test_the_resource_and_the_prompt_can_be_had(inspector: Inspector) -> None:
    _, read = inspector.run("resources/read", "--uri", "memory://startup-context")
    assert json.loads(read["contents"][0]["text"])["total_projects"] == 0
    _, prompt = inspector.run("prompts/get", "--prompt-name", "memory_instructions")
    assert "load_contexts" in prompt["messages"][0]["content"]["text"]
