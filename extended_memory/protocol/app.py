"""FastMCP as this product runs it: its lifespan, its errors, and how a tool is registered."""

import ast
import functools
import inspect
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import fastmcp
from anyio import to_thread
from fastmcp import Context as RequestContext
from fastmcp import FastMCP
from fastmcp.dependencies import CurrentContext
from fastmcp.exceptions import ResourceError, ToolError, ValidationError
from fastmcp.server.lifespan import lifespan
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool, ToolResult
from mcp_types import CallToolRequestParams, ToolAnnotations
from pydantic import ValidationError as PydanticError

from extended_memory.access import Access
from extended_memory.domain import ContextChangedError
from extended_memory.errors import (
    ExtendedMemoryError,
    StoreBusyError,
)
from extended_memory.protocol import answers, refusals, replies, upkeep
from extended_memory.protocol.fastmcp_internals import StatelessServer
from extended_memory.protocol.transport import Channel
from extended_memory.service import MemoryService
from extended_memory.settings import Settings
from extended_memory.storage.backends import open_repository
from extended_memory.storage.contract import MAY_WAIT
from extended_memory.store_service import StoreService

# In code, because FastMCP's own settings are built before any of ours runs where `fastmcp run`
# starts us, from any FASTMCP_* and a .env of the working directory: no question to the package
# index at start, no banner, no spans for a telemetry SDK that may be installed, no tracebacks.
fastmcp.settings.check_for_updates = "off"
fastmcp.settings.show_server_banner = False
fastmcp.settings.telemetry_mode = "off"
fastmcp.settings.client_log_level = None
fastmcp.settings.debug = False

# Over HTTP (`fastmcp run --transport http`) nobody has to log in. So whatever the address, only
# who calls this machine by an address of its own is served, never a page of another origin or a
# name that was made to lead here (DNS rebinding).
fastmcp.settings.http_host_origin_protection = True
fastmcp.settings.http_allowed_hosts = None
fastmcp.settings.http_allowed_origins = None

logger = logging.getLogger(__name__)

_P = ParamSpec("_P")
_R = TypeVar("_R")


@lifespan
async def memory_lifespan(server: FastMCP) -> AsyncIterator[dict[str, Any]]:
    """Give every call the service; open the store soon, close it at the end."""
    assert isinstance(server, MemoryServer)
    settings = server.settings or Settings.from_environment(os.environ)
    access = Access(
        lambda: open_repository(settings.storage), scope=settings.scope, ending=server.ending
    )
    memory = MemoryService(
        access, custom_instructions=settings.custom_instructions, trash_days=settings.trash_days
    )
    ending = server.channel.ending.begun if server.channel else threading.Event()
    upkeep.start(StoreService(access, trash_days=settings.trash_days), ending)
    try:
        yield {"memory": memory}
    finally:
        ending.set()
        access.close()


class OneSentenceRefusals(Middleware):
    """Says what is wrong with a call's arguments in one sentence instead of pydantic's dump."""

    async def on_call_tool(
        self,
        context: MiddlewareContext[CallToolRequestParams],
        call_next: CallNext[CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        """Turn a validation error into a tool error."""
        try:
            return await call_next(context)
        except ValidationError as error:
            if not isinstance(error.__cause__, PydanticError):
                raise
            sentence = refusals.sentence(context.message.name, error.__cause__)
            raise ToolError(sentence, log_level=logging.DEBUG) from None


class MemoryServer(StatelessServer):
    """FastMCP as this product runs it: over our own streams, and with its own kind of tool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel: Channel | None = None
        """The streams of the stdio transport, where the process has claimed them."""
        self.settings: Settings | None = None
        """Those the process has read; ``fastmcp run`` starts without, and they are read then."""
        self.ending = threading.Event()
        """Set when the process is about to end: calls that have not begun are refused."""

    async def run_stdio_async(
        self,
        show_banner: bool = True,
        log_level: str | None = None,
        stateless: bool = False,
    ) -> None:
        """Serve over the claimed channel, or else as FastMCP does (``fastmcp run``)."""
        if self.channel is None:
            await super().run_stdio_async(show_banner, log_level, stateless)
            return
        await self.serve_streams(self.channel.streams())

    def memory_tool(
        self,
        title: str,
        answer: type[Any],
        *,
        read_only: bool = False,
        destructive: bool = False,
        idempotent: bool = False,
    ) -> Callable[[Callable[_P, ToolResult]], Callable[_P, ToolResult]]:
        """Register a tool with its annotations and the schema of its structured answer."""

        def register(function: Callable[_P, ToolResult]) -> Callable[_P, ToolResult]:
            registered = _in_place_if_quick(function)
            tool = Tool.from_function(
                registered,
                description=take_docstring(registered),
                output_schema=answers.schema(answer),
                annotations=ToolAnnotations(
                    title=title,
                    read_only_hint=read_only,
                    destructive_hint=destructive,
                    idempotent_hint=idempotent,
                    open_world_hint=False,
                ),
            )
            for schema in tool.parameters["properties"].values():
                # An argument that may be left out: null is no value of its plain type.
                if "default" in schema and schema["default"] is None:
                    del schema["default"]
            self.add_tool(tool)
            return function

        return register


def current_memory(context: RequestContext = CurrentContext()) -> MemoryService:
    """Return the service of the running server."""
    memory: MemoryService = context.lifespan_context["memory"]
    return memory


def raises_as(
    error: type[ToolError | ResourceError],
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Turn our own errors, which are sentences for a person, into FastMCP's."""

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return function(*args, **kwargs)
            except ContextChangedError as refusal:
                sentence = replies.changed_meanwhile(refusal.current)
                raise error(sentence, log_level=logging.DEBUG) from None
            except ExtendedMemoryError as refusal:
                # Not a fault of the server; where one is behind it, the store has logged it.
                raise error(str(refusal), log_level=logging.DEBUG) from None

        return call

    return decorate


def _in_place_if_quick(function: Callable[_P, ToolResult]) -> Callable[_P, Awaitable[ToolResult]]:
    """Make a call without the detour of a worker thread, which costs as much as the call.

    Only a store that still has to be opened or upgraded may take long, or another writer that is
    at work, or a server somewhere else; then a thread waits for it.
    """
    patient = raises_as(ToolError)(function)

    def impatient(*args: _P.args, **kwargs: _P.kwargs) -> ToolResult | None:
        token = MAY_WAIT.set(False)
        try:
            return function(*args, **kwargs)
        except StoreBusyError:
            return None
        finally:
            MAY_WAIT.reset(token)

    in_place = raises_as(ToolError)(impatient)

    @functools.wraps(function)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> ToolResult:
        memory: MemoryService = kwargs["memory"]  # type: ignore[assignment]
        if memory.is_quick and (result := in_place(*args, **kwargs)) is not None:
            return result
        return await to_thread.run_sync(functools.partial(patient, *args, **kwargs))

    return call


def take_docstring(function: Callable[..., Any]) -> str:
    """Take a function's docstring as its words for the model, without the source's line breaks.

    FastMCP would look into the docstring for descriptions of arguments, with a parser that takes
    5 % of the start to import; ours stand beside the arguments.
    """
    documentation = function.__doc__
    if sys.flags.optimize > 1:  # PYTHONOPTIMIZE=2 takes docstrings away; the source has them
        (definition,) = ast.parse(inspect.getsource(function)).body
        assert isinstance(definition, ast.FunctionDef)
        documentation = ast.get_docstring(definition)
    paragraphs = (documentation or "").split("\n\n")
    function.__doc__ = None
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
