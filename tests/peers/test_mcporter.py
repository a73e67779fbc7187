"""mcporter, which reads the same configuration as Claude Desktop."""

import json

from tests.support.peers import TOOLS, Npm


def test_it_lists_every_tool(npm: Npm, configuration: str) -> None:
    listed = npm.run("mcporter", "--config", configuration, "list", "memory", "--json")
    assert listed.returncode == 0, listed.stderr
    assert {tool["name"] for tool in json.loads(listed.stdout)["tools"]} == TOOLS


def test_what_it_saves_it_loads(npm: Npm, configuration: str) -> None:
    call = ("mcporter", "--config", configuration, "call", "--output", "json")
    saved = npm.run(*call, "memory.save_context", "content=Tea, not coffee.", "importance_level=9")
    assert saved.returncode == 0, saved.stderr
    loaded = npm.run(*call, "memory.load_contexts")
    contexts = json.loads(loaded.stdout)["contexts"]
    assert [context["content"] for context in contexts] == ["Tea, not coffee."]
    assert contexts[0] == {**json.loads(saved.stdout), "content": "Tea, not coffee."}


def test_a_refusal_ends_it_with_the_sentence(npm: Npm, configuration: str) -> None:
    refused = npm.run(
        "mcporter", "--config", configuration, "call", "memory.save_context", "content="
    )
    assert refused.returncode == 1
    assert 'content must not be blank; given: "".' in refused.stdout + refused.stderr
