"""The client of the TypeScript SDK, in both protocol eras."""

import json
from pathlib import Path

import pytest

from extended_memory.version import __version__
from tests.support.peers import SERVER, TOOLS, Npm
from tests.support.server import HANDSHAKE_VERSIONS, MODERN_VERSION

CONVERSATION = Path(__file__).with_name("conversation.mjs")


@pytest.mark.parametrize(
    ("era", "version"), [("handshake", HANDSHAKE_VERSIONS[-1]), ("modern", MODERN_VERSION)]
)
def test_a_conversation(npm: Npm, era: str, version: str) -> None:
    ended = npm.script(CONVERSATION, era, SERVER)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    saved, loaded = told.pop("saved"), told.pop("loaded")
    assert [context["content"] for context in loaded["contexts"]] == ["ё, 日本語, 😀"]
    assert loaded["contexts"][0]["id"] == saved["id"]
    assert set(told.pop("tools")) == TOOLS
    assert told == {
        "protocol": version,
        "server": {"name": "extended-memory-mcp", "version": __version__},
        "resources": ["memory://startup-context"],
        "prompts": ["memory_instructions"],
        "refused": [True, [{"type": "text", "text": 'content must not be blank; given: " ".'}]],
        "missing": [-32602, "Resource not found: 'memory://x'"],
    }
