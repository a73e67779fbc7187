"""FastMCP's own command line, which comes with the library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.peers import SERVER, TOOLS

FASTMCP = Path(sys.executable).with_name("fastmcp")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{FASTMCP.parent}{os.pathsep}{os.environ['PATH']}"  # it starts itself once more
    return subprocess.run(
        [FASTMCP, *arguments, "--json"],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.long
def test_it_lists_everything() -> None:
    listed = json.loads(run("list", "--command", SERVER, "--resources", "--prompts").stdout)
    assert {tool["name"] for tool in listed["tools"]} == TOOLS
    assert [resource["uri"] for resource in listed["resources"]] == ["memory://startup-context"]
    assert [prompt["name"] for prompt in listed["prompts"]] == ["memory_instructions"]


@pytest.mark.long
def test_what_it_saves_it_loads(configuration: str) -> None:
    saved = run("call", configuration, "save_context", "content=Tea.", "importance_level=9")
    assert saved.returncode == 0, saved.stderr
    loaded = json.loads(run("call", configuration, "load_contexts").stdout)
    contexts = loaded["structured_content"]["contexts"]
    assert [context["content"] for context in contexts] == ["Tea."]


@pytest.mark.long
def test_a_refusal_ends_it_with_1(configuration: str) -> None:
    refused = run("call", configuration, "save_context", "content= ")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["is_error"]
