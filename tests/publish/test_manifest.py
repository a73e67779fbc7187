"""The bundle's manifest tells of this program; its schema is checked where mcpb packs it."""

import json
import re
from pathlib import Path

import pytest
from fastmcp import Client

from extended_memory.server import mcp
from tests.support.readme import PACKAGE, PYPROJECT, SCRIPTS, variables

CHECKOUT = Path(__file__).resolve().parents[2]
MANIFEST = json.loads((CHECKOUT / "publish" / "manifest.json").read_text("utf-8"))
STARTING = MANIFEST["server"]["mcp_config"]
SETTINGS = MANIFEST["user_config"]


def test_it_is_named_as_the_package_is() -> None:
    assert MANIFEST["name"] == PACKAGE


@pytest.mark.anyio
async def test_it_names_every_tool_with_the_first_sentence_of_its_description() -> None:
    async with Client(mcp) as client:
        tools = await client.list_tools()
    assert MANIFEST["tools"] == [
        {"name": tool.name, "description": (tool.description or "").partition("\n")[0]}
        for tool in tools
    ]


def test_uv_starts_a_script_of_the_package_with_an_extra_of_it() -> None:
    *options, extra, script = STARTING["args"]
    # A project, not a directory: a relative place in there would be lost with the next version.
    assert options == ["run", "--project", "${__dirname}", "--extra"]
    assert f"\n{extra} = [" in PYPROJECT
    assert script in SCRIPTS
    assert (CHECKOUT / MANIFEST["server"]["entry_point"]).is_file()


def test_each_setting_is_a_variable_of_the_program() -> None:
    assert set(STARTING["env"]) <= variables()
    used = [re.sub(r"^\$\{user_config\.(\w+)\}$", r"\1", text) for text in STARTING["env"].values()]
    assert used == list(SETTINGS)


def test_what_is_not_filled_in_is_empty() -> None:
    # Without a default Claude Desktop gives the server the name of the setting instead.
    assert [(s["required"], s["default"]) for s in SETTINGS.values()] == [(False, "")] * 2
