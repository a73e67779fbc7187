"""The private members of libraries that this product touches, each with its reason.

A release may move one: ``tests/protocol/test_fastmcp_internals.py`` names it then.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

from fastmcp import FastMCP
from fastmcp.server.context import reset_transport, set_transport

# The SDK's server runs on these streams; it has no public way to make some (mcp 2.3).
from mcp.shared._context_streams import (
    ContextReceiveStream,
    ContextSendStream,
    create_context_streams,
)
from mcp.shared.message import SessionMessage

Streams = tuple[ContextReceiveStream[SessionMessage | Exception], ContextSendStream[SessionMessage]]
"""The messages from a client, and those to it."""


class StatelessServer(FastMCP):
    """FastMCP over streams that it is given, and without state of sessions."""

    async def serve_streams(self, streams: AbstractAsyncContextManager[Streams]) -> None:
        """Serve as FastMCP's ``run_stdio_async`` does, which takes no streams.

        ``_lifespan_manager`` opens the lifespan, ``_mcp_server`` is the SDK's own server.
        """
        token = set_transport("stdio")
        try:
            async with self._lifespan_manager(), streams as (incoming, outgoing):
                await self._mcp_server.run(
                    incoming, outgoing, self._mcp_server.create_initialization_options()
                )
        finally:
            reset_transport(token)

    @property
    def _state_store(self) -> Any:
        """Hold nothing of a session.

        FastMCP asks at every list and call whether the session has hidden a tool, and at the first
        one imports key_value and beartype for that: a tenth of a second, for a state that this
        server never has. A FastMCP that no longer asks here is as well.
        """
        return _NoSessionState()


class _NoSessionState:
    """The state of a session that FastMCP keeps: none, so that no library is needed."""

    async def get(self, key: str) -> None:
        """Find nothing."""


__all__ = ["ContextReceiveStream", "StatelessServer", "Streams", "create_context_streams"]
