"""The conversation with a client, in every version of the protocol."""

import json
from signal import SIGKILL
from typing import Any

import pytest

from extended_memory.version import __version__
from tests.support.server import ERAS, HANDSHAKE_VERSIONS, MODERN_VERSION, Server, Start

TOOLS = [
    "forget_context",
    "get_popular_tags",
    "list_all_projects",
    "load_contexts",
    "restore_context",
    "save_context",
    "search_contexts",
    "update_context",
]


@pytest.mark.long(but=1)
@pytest.mark.parametrize("version", HANDSHAKE_VERSIONS)
def test_the_handshake_tells_the_servers_own_name_version_and_instructions(
    version: str, start: Start
) -> None:
    told = start(version=version).handshake()
    assert told["protocolVersion"] == version
    assert told["serverInfo"] == {"name": "extended-memory-mcp", "version": __version__}
    assert "call load_contexts before answering" in told["instructions"]


def test_without_a_handshake_discovery_tells_the_same(start: Start) -> None:
    told = start(version=MODERN_VERSION).handshake()
    assert told["supportedVersions"] == [MODERN_VERSION]
    assert told["_meta"]["io.modelcontextprotocol/serverInfo"] == {
        "name": "extended-memory-mcp",
        "version": __version__,
    }
    assert "call load_contexts before answering" in told["instructions"]


def test_without_a_handshake_the_first_request_may_be_a_call(start: Start) -> None:
    server = start(version=MODERN_VERSION)
    assert server.ok("save_context", content="No discovery before.")["id"] == 1


def test_both_eras_of_the_protocol_list_the_same_tools(start: Start) -> None:
    servers = [start(version=version) for version in ERAS]
    before, since = map(_tools, servers)
    assert sorted(tool["name"] for tool in before) == TOOLS
    assert before == since


@pytest.mark.long
def test_memory_survives_kill_9_and_a_restart_in_the_other_era(start: Start) -> None:
    killed = start(version=HANDSHAKE_VERSIONS[-1])
    killed.handshake()
    saved = killed.ok("save_context", content="Keep me.", importance_level=9, tags=["b", "a"])
    killed.signal(SIGKILL)
    assert killed.wait() == -SIGKILL
    restarted = start(version=MODERN_VERSION)
    restarted.handshake()
    assert restarted.ok("load_contexts")["contexts"] == [saved | {"content": "Keep me."}]


def test_the_prompt_and_the_resource_are_served(start: Start) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Ship on Friday.", importance_level=9)
    (message,) = server.ask("prompts/get", {"name": "memory_instructions"})["messages"]
    assert "load_contexts" in message["content"]["text"]
    (resource,) = server.ask("resources/read", {"uri": "memory://startup-context"})["contents"]
    overview = json.loads(resource["text"])
    assert [c["content"] for c in overview["high_importance_contexts"]] == ["Ship on Friday."]


def _tools(server: Server) -> list[dict[str, Any]]:
    server.handshake()
    tools: list[dict[str, Any]] = server.ask("tools/list")["tools"]
    return tools
