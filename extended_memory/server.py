"""The MCP surface: five tools, a prompt and a resource, each a sentence over the service."""

import functools
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import fastmcp
from anyio import to_thread
from fastmcp import Context as RequestContext
from fastmcp import FastMCP
from fastmcp.dependencies import CurrentContext, Depends
from fastmcp.exceptions import ResourceError, ToolError, ValidationError
from fastmcp.server.lifespan import lifespan
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import ToolResult
from mcp_types import CallToolRequestParams, ToolAnnotations
from pydantic import ValidationError as PydanticError

from extended_memory import answers, arguments, instructions, refusals, rendering
from extended_memory.domain import ExtendedMemoryError, StoreError
from extended_memory.service import MemoryService
from extended_memory.settings import Settings
from extended_memory.storage import open_repository
from extended_memory.version import __version__

# In code, because FastMCP's own settings are built before any of ours runs: no question to the
# package index at start, no banner, no spans for a telemetry SDK that may be installed.
fastmcp.settings.check_for_updates = "off"
fastmcp.settings.show_server_banner = False
fastmcp.settings.telemetry_mode = "off"

WARM_UP_SECONDS = 0.5
"""The store opens this long after the start: a client has its handshake and tools by then."""

POPULAR_TAGS_AT_LOAD = 10

_PROSE = Path(__file__).with_name("prose")
_P = ParamSpec("_P")
_R = TypeVar("_R")


def _prose(name: str) -> str:
    return (_PROSE / f"{name}.md").read_text(encoding="utf-8").strip()


@lifespan
async def memory_lifespan(server: FastMCP) -> AsyncIterator[dict[str, Any]]:
    """Give every call the service and the settings; open the store soon, close it at the end."""
    settings = Settings.from_environment(os.environ)
    stopping = server.ending if isinstance(server, MemoryServer) else threading.Event()
    memory = MemoryService(
        lambda: open_repository(settings.storage), pinned=settings.project, ending=stopping
    )
    ending = threading.Event()

    def warm_up() -> None:
        if not ending.wait(WARM_UP_SECONDS):
            try:
                memory.prepare()
            except StoreError:
                return  # it is in the log, and the first call will say it

    thread = threading.Thread(target=warm_up, name="warm-up", daemon=True)
    thread.start()
    try:
        yield {"memory": memory, "settings": settings}
    finally:
        ending.set()
        memory.close()


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


class _NoSessionState:
    """What FastMCP keeps of a session here: nothing, which needs no library."""

    async def get(self, key: str) -> None:
        """Find nothing."""


class MemoryServer(FastMCP):
    """FastMCP without state of sessions.

    FastMCP asks at every list and call whether the session has hidden a tool, and at the first
    one imports key_value and beartype for that: a tenth of a second, for a state that this
    server never has. A FastMCP that no longer asks here is as well.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ending = threading.Event()
        """Set when the process is about to end: calls that have not begun are refused."""

    @property
    def _state_store(self) -> Any:
        return _NoSessionState()


mcp = MemoryServer(
    "extended-memory-mcp",
    version=__version__,
    instructions=_prose("instructions"),
    lifespan=memory_lifespan,
    middleware=[OneSentenceRefusals()],
    mask_error_details=True,
)


def _memory(context: RequestContext = CurrentContext()) -> MemoryService:
    memory: MemoryService = context.lifespan_context["memory"]
    return memory


def _settings(context: RequestContext = CurrentContext()) -> Settings:
    settings: Settings = context.lifespan_context["settings"]
    return settings


def _says(error: type[ToolError | ResourceError]) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Turn our own errors, which are sentences for a person, into FastMCP's."""

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return function(*args, **kwargs)
            except ExtendedMemoryError as refusal:
                # Not a fault of the server; where one is behind it, the store has logged it.
                raise error(str(refusal), log_level=logging.DEBUG) from None

        return call

    return decorate


def _tool(
    title: str,
    answer: type[Any],
    *,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
) -> Callable[[Callable[_P, ToolResult]], Callable[_P, ToolResult]]:
    """Register a tool with its annotations and the schema of its structured answer."""

    def register(function: Callable[_P, ToolResult]) -> Callable[_P, ToolResult]:
        tool = _says(ToolError)(function)
        registered = _in_place_when_ready(tool) if read_only else tool
        mcp.tool(
            description=_words(registered),
            output_schema=answers.schema(answer),
            annotations=ToolAnnotations(
                title=title,
                read_only_hint=read_only,
                destructive_hint=destructive,
                idempotent_hint=idempotent,
                open_world_hint=False,
            ),
        )(registered)
        return tool

    return register


def _in_place_when_ready(tool: Callable[_P, ToolResult]) -> Callable[_P, Awaitable[ToolResult]]:
    """Read without the detour of a worker thread, which costs as much as the reading.

    A read never waits for a writer; only a store that still has to be opened or upgraded may
    take long, and then a thread waits for it.
    """

    @functools.wraps(tool)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> ToolResult:
        memory: MemoryService = kwargs["memory"]  # type: ignore[assignment]
        if memory.ready:
            return tool(*args, **kwargs)
        return await to_thread.run_sync(functools.partial(tool, *args, **kwargs))

    return call


def _words(function: Callable[..., Any]) -> str:
    """Take a function's docstring as its words for the model, without the source's line breaks.

    FastMCP would look into the docstring for descriptions of arguments, with a parser that takes
    5 % of the start to import; ours stand beside the arguments.
    """
    paragraphs = (function.__doc__ or "").split("\n\n")
    function.__doc__ = None
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _result(text: str, answer: Mapping[str, Any]) -> ToolResult:
    return ToolResult(content=text, structured_content=dict(answer))


@_tool("Save to memory", answers.SavedAnswer)
def save_context(
    content: arguments.Content,
    importance_level: arguments.Importance = arguments.DEFAULT_IMPORTANCE,
    tags: arguments.Tags = (),
    project_id: arguments.ProjectId = "",
    memory: MemoryService = Depends(_memory),
) -> ToolResult:
    """Save one self-contained note for later conversations.

    Record outcomes, not the conversation: the current state (names, versions, numbers, paths),
    decisions with their reasons and what was rejected, next steps and constraints the user
    mentioned, the user's ways of working. Never invent a next step, preference or fact. Save
    when something is settled and before a long conversation ends. Importance: 9-10 must never be
    lost, 7-8 is loaded by default, 4-6 useful detail, 1-3 minor.
    """
    context = memory.save(project_id, content, importance=importance_level, tags=tags)
    return _result(rendering.saved(context), answers.saved(context))


@_tool("Load from memory", answers.LoadedAnswer, read_only=True, idempotent=True)
def load_contexts(
    project_id: arguments.ProjectId = "",
    importance_level: arguments.MinimumImportance = arguments.DEFAULT_MINIMUM_IMPORTANCE,
    limit: arguments.Limit = arguments.DEFAULT_LIMIT,
    tags_filter: arguments.TagsFilter = (),
    offset: arguments.Offset = arguments.DEFAULT_OFFSET,
    init_load: arguments.InitLoad = True,
    memory: MemoryService = Depends(_memory),
    settings: Settings = Depends(_settings),
) -> ToolResult:
    """Load what was saved about a project, newest first.

    Call it at the start of every conversation, before answering, and whenever the user refers to
    themselves or to earlier work. The first load brings the user's instructions and the
    project's most used tags; filter by those for more on a topic, or lower importance_level.
    """
    project = memory.project_for(project_id)
    first = init_load and not tags_filter
    page = memory.load(
        project,
        minimum_importance=importance_level,
        tags=tags_filter,
        limit=limit,
        offset=offset,
    )
    custom = instructions.read(settings.custom_instructions if first else None)
    popular = (
        memory.popular_tags(project, minimum_count=1, limit=POPULAR_TAGS_AT_LOAD).tags
        if first
        else ()
    )
    rendered = rendering.loaded(
        page,
        project=project,
        minimum_importance=importance_level,
        tags=tags_filter,
        offset=offset,
        instructions=custom.text,
        popular=popular,
    )
    notes = [custom.problem] if custom.problem else []
    if not page.total and not tags_filter and (found := memory.project(project)):
        notes.append(rendering.lower_importance_hint(found.context_count, importance_level))
    text = "\n\n".join([*notes, rendered.text])
    return _result(text, answers.loaded(rendered, project=project, total=page.total))


@_tool("Forget", answers.ForgottenAnswer, destructive=True, idempotent=True)
def forget_context(
    context_id: arguments.ContextId,
    project_id: arguments.ProjectId = "",
    memory: MemoryService = Depends(_memory),
) -> ToolResult:
    """Delete one context for good, by its id.

    Only when the user asks for it or the context is plainly outdated. With project_id, only if
    it is in that project.
    """
    asked = memory.project_for(project_id) if project_id or memory.pinned else ""
    project = memory.forget(context_id, project=project_id)
    return _result(
        rendering.forgotten(context_id, project, asked=asked),
        answers.forgotten(context_id, project, asked=asked),
    )


@_tool("List projects", answers.ProjectsAnswer, read_only=True, idempotent=True)
def list_all_projects(memory: MemoryService = Depends(_memory)) -> ToolResult:
    """List the projects in memory, the one saved to last first."""
    projects = memory.projects()
    listed = rendering.listed_projects(projects, pinned=memory.pinned)
    return _result(listed.text, answers.projects(projects[: listed.rows], total=len(projects)))


@_tool("Show tags", answers.TagsAnswer, read_only=True, idempotent=True)
def get_popular_tags(
    limit: arguments.TagLimit = arguments.DEFAULT_TAG_LIMIT,
    min_usage: arguments.MinimumUsage = arguments.DEFAULT_MINIMUM_USAGE,
    project_id: arguments.ProjectId = "",
    memory: MemoryService = Depends(_memory),
) -> ToolResult:
    """Show a project's most used tags, to reuse when saving and to filter by when loading."""
    project = memory.project_for(project_id)
    page = memory.popular_tags(project, minimum_count=min_usage, limit=limit)
    listed = rendering.popular_tags(page, project=project, minimum_count=min_usage)
    answer = answers.tags(page.tags[: listed.rows], project=project, total=page.total)
    return _result(listed.text, answer)


def memory_instructions() -> str:
    """How to use the persistent memory in this conversation."""
    return _prose("memory_instructions")


@_says(ResourceError)
def startup_context(memory: MemoryService = Depends(_memory)) -> str:
    """The projects in memory and the most important recent contexts, each with its project."""
    return answers.overview(
        memory.projects(),
        memory.most_important(),
        usage="An overview only: call load_contexts with a project_id for the whole.",
    )


mcp.prompt(title="Use the memory", description=_words(memory_instructions))(memory_instructions)
mcp.resource(
    "memory://startup-context",
    title="What is in memory",
    description=_words(startup_context),
    mime_type="application/json",
)(startup_context)
