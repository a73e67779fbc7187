"""Calls of the tools through FastMCP's own client."""

from typing import Any

from fastmcp import Client
from fastmcp.client.client import CallToolResult
from mcp_types import TextContent

MemoryClient = Client[Any]


async def call(client: MemoryClient, tool: str, **arguments: Any) -> CallToolResult:
    """Call a tool that must succeed."""
    result = await client.call_tool(tool, arguments, raise_on_error=False)
    assert not result.is_error, text(result)
    return result


async def refused(client: MemoryClient, tool: str, **arguments: Any) -> str:
    """Call a tool that must refuse; return its sentence."""
    result = await client.call_tool(tool, arguments, raise_on_error=False)
    assert result.is_error
    assert result.structured_content is None
    return text(result)


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def structured(result: CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    return dict(result.structured_content)


async def saved(client: MemoryClient, content: str, **arguments: Any) -> dict[str, Any]:
    return structured(await call(client, "save_context", content=content, **arguments))


async def loaded(client: MemoryClient, **arguments: Any) -> list[dict[str, Any]]:
    arguments = {"importance_level": 1, "init_load": False} | arguments
    contexts: list[dict[str, Any]] = structured(await call(client, "load_contexts", **arguments))[
        "contexts"
    ]
    return contexts
