"""The MCP surface: tools, a prompt and a resource, each a sentence over the service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmcp.dependencies import Depends
from fastmcp.exceptions import ResourceError
from fastmcp.tools import ToolResult

from extended_memory.domain import DEFAULT_IMPORTANCE, Change, ContextPage, Note, Selection
from extended_memory.protocol import answers, arguments, replies
from extended_memory.protocol.app import (
    MemoryServer,
    OneSentenceRefusals,
    current_memory,
    memory_lifespan,
    raises_as,
    take_docstring,
)
from extended_memory.service import SHOWN_REVISIONS, MemoryService
from extended_memory.version import __version__

_PROSE = Path(__file__).parent / "protocol" / "prose"


def _prose(name: str) -> str:
    return (_PROSE / f"{name}.md").read_text(encoding="utf-8").strip()


mcp = MemoryServer(
    "extended-memory-mcp",
    version=__version__,
    instructions=_prose("instructions"),
    lifespan=memory_lifespan,
    middleware=[OneSentenceRefusals()],
    mask_error_details=True,
    strict_input_validation=False,
)


def _result(text: str, answer: Mapping[str, Any]) -> ToolResult:
    return ToolResult(content=text, structured_content=dict(answer))


@mcp.memory_tool("Save to memory", answers.SavedAnswer)
def save_context(
    content: arguments.Content,
    importance_level: arguments.Importance = DEFAULT_IMPORTANCE,
    tags: arguments.Tags = (),
    project_id: arguments.ProjectId = "",
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Save one self-contained note for later conversations.

    Record outcomes, not the conversation: the current state (names, versions, numbers, paths),
    decisions with their reasons and what was rejected, next steps and constraints the user
    mentioned, the user's ways of working. Never invent a next step, preference or fact. Save
    when something is settled and before a long conversation ends. Importance: 9-10 must never be
    lost, 7-8 is loaded by default, 4-6 useful detail, 1-3 minor.
    """
    context = memory.save(project_id, Note(content=content, importance=importance_level, tags=tags))
    return _result(replies.saved(context), answers.saved(context))


@mcp.memory_tool("Load from memory", answers.LoadedAnswer, read_only=True, idempotent=True)
def load_contexts(
    project_id: arguments.ProjectId = "",
    importance_level: arguments.MinimumImportance = arguments.DEFAULT_MINIMUM_IMPORTANCE,
    limit: arguments.Limit = arguments.DEFAULT_LIMIT,
    tags_filter: arguments.TagsFilter = (),
    offset: arguments.Offset = arguments.DEFAULT_OFFSET,
    init_load: arguments.InitLoad = True,
    since: arguments.Moment = None,
    until: arguments.Moment = None,
    ids: arguments.ContextIds = (),
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Load what was saved about a project, newest first.

    Call it at the start of every conversation, before answering, and whenever the user refers to
    themselves or to earlier work. The first load brings the user's instructions and the
    project's most used tags; filter by those for more on a topic, or lower importance_level.
    """
    if ids:
        contexts = memory.get(ids, project=project_id)
        found = replies.fetched(contexts, ids)
        page = ContextPage(contexts=contexts, total=len(contexts))
        return _result(found.text, answers.loaded(found, page, project=project_id or None))
    project = memory.project_for(project_id)
    opening = memory.opening(project) if init_load and not tags_filter else None
    selection = Selection(
        minimum_importance=importance_level,
        tags=tags_filter,
        span=arguments.span(since, until),
    )
    page = memory.load(project, selection, limit=limit, offset=offset)
    rendered = replies.loaded(page, selection, project=project, offset=offset, opening=opening)
    return _result(rendered.text, answers.loaded(rendered, page, project=project))


@mcp.memory_tool("Search memory", answers.SearchAnswer, read_only=True, idempotent=True)
def search_contexts(
    query: arguments.Query,
    project_id: arguments.ProjectId = "",
    tags_filter: arguments.TagsFilter = (),
    importance_level: arguments.SearchImportance = arguments.DEFAULT_SEARCH_IMPORTANCE,
    since: arguments.Moment = None,
    until: arguments.Moment = None,
    limit: arguments.SearchLimit = arguments.DEFAULT_SEARCH_LIMIT,
    offset: arguments.Offset = arguments.DEFAULT_OFFSET,
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Find what was saved about something, however long ago and of whatever importance.

    Give the words that the note itself may use: any of them may match, in any form.
    """
    project = memory.project_for(project_id)
    selection = Selection(
        minimum_importance=importance_level,
        tags=tags_filter,
        span=arguments.span(since, until),
    )
    page = memory.search(project, query, selection, limit=limit, offset=offset)
    tags = () if page.total else memory.opening_tags(project)
    rendered = replies.searched(page, project=project, offset=offset, popular_tags=tags)
    return _result(rendered.text, answers.searched(rendered, page, project=project))


@mcp.memory_tool("Correct", answers.UpdatedAnswer, idempotent=True)
def update_context(
    context_id: arguments.ContextId,
    content: arguments.NewContent = None,
    importance_level: arguments.NewImportance = None,
    tags: arguments.NewTags = None,
    add_tags: arguments.SomeTags = (),
    remove_tags: arguments.SomeTags = (),
    project_id: arguments.ProjectId = "",
    expected_updated_at: arguments.ExpectedUpdate = None,
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Correct one context: only what is given changes, and what it was can be restored."""
    change = Change(
        content=content,
        importance=importance_level,
        tags=tags,
        add_tags=add_tags,
        remove_tags=remove_tags,
    )
    updated = memory.update(
        context_id, change, project=project_id, last_changed=expected_updated_at
    )
    text = replies.updated(updated, context_id=context_id)
    return _result(text, answers.updated(updated))


@mcp.memory_tool("Forget", answers.ForgottenAnswer, destructive=True, idempotent=True)
def forget_context(
    context_id: arguments.ContextId,
    project_id: arguments.ProjectId = "",
    permanently: arguments.Permanently = False,
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Move one context to the trash, or delete it permanently with every earlier text.

    Only when the user asks for it or the context is plainly outdated. With project_id, only if
    it is in that project.
    """
    asked = memory.scope.within(project_id) or ""
    project = memory.forget(context_id, project=project_id, permanently=permanently)
    days = 0 if permanently else memory.trash_days
    return _result(
        replies.forgotten(context_id, project, asked=asked, trash_days=days),
        answers.forgotten(context_id, project, asked=asked, is_in_trash=bool(days)),
    )


@mcp.memory_tool("Restore", answers.RestoredAnswer, idempotent=True)
def restore_context(
    context_id: arguments.ContextId,
    revision: arguments.RevisionNumber = None,
    project_id: arguments.ProjectId = "",
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Bring a context back from the trash, or with revision its text before a change."""
    context = memory.restore(context_id, project=project_id, revision=revision)
    revisions = memory.revisions(context_id, project=project_id, limit=SHOWN_REVISIONS)
    text = replies.restored(context, revisions, context_id=context_id, revision=revision)
    return _result(text, answers.restored(context, revisions))


@mcp.memory_tool("List projects", answers.ProjectsAnswer, read_only=True, idempotent=True)
def list_all_projects(memory: MemoryService = Depends(current_memory)) -> ToolResult:
    """List the projects in memory, the one saved to last first."""
    projects = memory.projects()
    listed = replies.listed_projects(projects, pinned=memory.scope.pinned)
    return _result(listed.text, answers.projects(projects[: listed.rows], total=len(projects)))


@mcp.memory_tool("Show tags", answers.TagsAnswer, read_only=True, idempotent=True)
def get_popular_tags(
    limit: arguments.TagLimit = arguments.DEFAULT_TAG_LIMIT,
    min_usage: arguments.MinimumUsage = arguments.DEFAULT_MINIMUM_USAGE,
    project_id: arguments.ProjectId = "",
    memory: MemoryService = Depends(current_memory),
) -> ToolResult:
    """Show a project's most used tags, to reuse when saving and to filter by when loading."""
    project = memory.project_for(project_id)
    page = memory.popular_tags(project, minimum_count=min_usage, limit=limit)
    listed = replies.popular_tags(page, project=project, minimum_count=min_usage)
    answer = answers.tags(page.tags[: listed.rows], project=project, total=page.total)
    return _result(listed.text, answer)


def memory_instructions() -> str:
    """How to use the persistent memory in this conversation."""
    return _prose("memory_instructions")


@raises_as(ResourceError)
def startup_context(memory: MemoryService = Depends(current_memory)) -> str:
    """The projects in memory and the most important recent contexts, each with its project."""
    return answers.overview(
        memory.projects(),
        memory.most_important(),
        usage="An overview only: call load_contexts with a project_id for the whole.",
    )


mcp.prompt(title="Use the memory", description=take_docstring(memory_instructions))(
    memory_instructions
)
mcp.resource(
    "memory://startup-context",
    title="What is in memory",
    description=take_docstring(startup_context),
    mime_type="application/json",
)(startup_context)
