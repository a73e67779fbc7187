"""A private member of a library that a release moves is named here, before anything else fails."""

import importlib

import pytest
from fastmcp import FastMCP

from extended_memory.protocol.fastmcp_internals import StatelessServer


@pytest.mark.parametrize("name", ["_lifespan_manager", "_mcp_server", "_state_store"])
def test_fastmcp_still_has_a_private_member_that_is_touched(name: str) -> None:
    assert hasattr(FastMCP("probe"), name), f"FastMCP moved {name}"


@pytest.mark.parametrize(
    "name", ["ContextReceiveStream", "ContextSendStream", "create_context_streams"]
)
def test_the_sdk_still_has_a_private_name_that_is_touched(name: str) -> None:
    module = importlib.import_module("mcp.shared._context_streams")
    assert hasattr(module, name), f"the SDK moved {name}"


def test_fastmcp_still_asks_for_the_state_of_a_session_where_none_is_kept() -> None:
    # Else StatelessServer overrides what nobody reads, and the first call is slow again.
    assert isinstance(StatelessServer.__dict__["_state_store"], property)
    assert isinstance(FastMCP.__dict__["_state_store"], property)
