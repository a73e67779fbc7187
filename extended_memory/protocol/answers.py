"""Domain values as the structured answers that programs read, and the schemas of those.

Keys are those of the tools' arguments; times are ISO 8601 in UTC with their zone.
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import NotRequired, TypedDict

from extended_memory.domain import (
    Context,
    ContextPage,
    FoundContext,
    Project,
    Revision,
    SearchPage,
    TagCount,
    UpdatedContext,
)
from extended_memory.protocol.replies import Loaded, Searched, beginning, excerpt, timestamp

_OVERVIEW_BYTES = 8_000


class SavedAnswer(TypedDict):
    """What was stored, without the content."""

    id: int
    project_id: str
    importance_level: int
    tags: list[str]
    created_at: str
    updated_at: str


class ContextAnswer(SavedAnswer):
    """A context with its content."""

    content: str


class LeftOutAnswer(TypedDict):
    """A context that did not fit into the reply: load it by its id."""

    id: int
    created_at: str
    beginning: str


class RevisionAnswer(TypedDict):
    """What a context was before a change."""

    revision: int
    replaced_at: str
    beginning: str


class UpdatedAnswer(TypedDict):
    """What a context is now, null if there is none; ``revision`` is what it was, if changed."""

    context: ContextAnswer | None
    revision: int | None


class RestoredAnswer(TypedDict):
    """The context that was brought back, null if none was, and the earlier texts there are."""

    context: ContextAnswer | None
    revisions: list[RevisionAnswer]


class LoadedAnswer(TypedDict):
    """A page of contexts. ``total`` match, or more; ``next_offset`` is null at the end."""

    project_id: str | None
    contexts: list[ContextAnswer]
    left_out: list[LeftOutAnswer]
    total: int
    total_is_exact: bool
    next_offset: int | None
    custom_instructions: NotRequired[str]


class MatchAnswer(TypedDict):
    """A word of the query, and the word of the context that stood for it, if another one."""

    word: str
    taken_for: str | None


class ReasonsAnswer(TypedDict):
    """Why a context was found."""

    score: float
    matched: list[MatchAnswer]


class FoundAnswer(ContextAnswer, ReasonsAnswer):
    """A context that was found; ``is_cut``: its content is the passage that answers best."""

    is_cut: bool


class SearchAnswer(TypedDict):
    """What was found, best first. Where nothing was, ``suggestions`` are words to try."""

    project_id: str
    contexts: list[FoundAnswer]
    total: int
    next_offset: int | None
    suggestions: list[str]
    unindexed: int


class ForgottenAnswer(TypedDict):
    """Whether a context was removed. ``project_id`` is null where none was asked or found."""

    id: int
    project_id: str | None
    forgotten: bool
    can_be_restored: bool


class ProjectAnswer(TypedDict):
    """One project."""

    id: str
    context_count: int
    created_at: str
    last_saved_at: str


class ProjectsAnswer(TypedDict):
    """The projects, the last used first."""

    projects: list[ProjectAnswer]
    total: int


class TagAnswer(TypedDict):
    """A tag and its uses."""

    tag: str
    count: int


class TagsAnswer(TypedDict):
    """The most used tags of a project; ``total`` match."""

    project_id: str
    tags: list[TagAnswer]
    total: int


def schema(answer: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of an answer."""
    return TypeAdapter(answer).json_schema()


def saved(context: Context) -> SavedAnswer:
    """Answer a save."""
    return {
        "id": context.id,
        "project_id": context.project,
        "importance_level": context.note.importance,
        "tags": list(context.note.tags),
        "created_at": timestamp(context.created_at),
        "updated_at": timestamp(context.last_changed_at),
    }


def whole(context: Context) -> ContextAnswer:
    """Return a context with its content."""
    return {**saved(context), "content": context.note.content}


def updated(change: UpdatedContext | None) -> UpdatedAnswer:
    """Answer an update."""
    if change is None:
        return {"context": None, "revision": None}
    return {"context": whole(change.context), "revision": change.revision}


def restored(context: Context | None, revisions: Sequence[Revision]) -> RestoredAnswer:
    """Answer a restore."""
    return {
        "context": None if context is None else whole(context),
        "revisions": [
            {
                "revision": revision.number,
                "replaced_at": timestamp(revision.replaced_at),
                "beginning": beginning(revision.note.content),
            }
            for revision in revisions
        ],
    }


def reasons(found: FoundContext) -> ReasonsAnswer:
    """Return why a context was found."""
    return {
        "score": round(found.score, 4),
        "matched": [{"word": match.word, "taken_for": match.taken_for} for match in found.matches],
    }


def searched(rendered: Searched, page: SearchPage, *, project: str) -> SearchAnswer:
    """Answer a search, with the contexts that the text shows."""
    return {
        "project_id": project,
        "contexts": [
            {
                **whole(found.context),
                "is_cut": found.context.id not in rendered.whole,
                **reasons(found),
            }
            for found in rendered.found
        ],
        "total": page.total,
        "next_offset": rendered.next_offset,
        "suggestions": list(page.suggestions),
        "unindexed": page.unindexed,
    }


def loaded(rendered: Loaded, page: ContextPage, *, project: str | None) -> LoadedAnswer:
    """Answer a load, with the contexts that the text shows."""
    answer: LoadedAnswer = {
        "project_id": project,
        "contexts": [whole(context) for context in rendered.contexts],
        "left_out": [
            {
                "id": context.id,
                "created_at": timestamp(context.created_at),
                "beginning": beginning(context.note.content),
            }
            for context in rendered.left_out
        ],
        "total": page.total,
        "total_is_exact": page.total_is_exact,
        "next_offset": rendered.next_offset,
    }
    if rendered.instructions:
        answer["custom_instructions"] = rendered.instructions
    return answer


def forgotten(
    context_id: int, project: str | None, *, asked: str, is_in_trash: bool
) -> ForgottenAnswer:
    """Answer a forget."""
    return {
        "id": context_id,
        "project_id": project or asked or None,
        "forgotten": project is not None,
        "can_be_restored": project is not None and is_in_trash,
    }


def projects(rows: Sequence[Project], *, total: int) -> ProjectsAnswer:
    """Answer a list of projects."""
    return {"projects": [_project(row) for row in rows], "total": total}


def tags(rows: Sequence[TagCount], *, project: str, total: int) -> TagsAnswer:
    """Answer a list of tags."""
    counted: list[TagAnswer] = [{"tag": row.tag, "count": row.count} for row in rows]
    return {"project_id": project, "tags": counted, "total": total}


def overview(rows: Sequence[Project], contexts: Sequence[Context], *, usage: str) -> str:
    """Return the start-up overview as JSON within a small budget of bytes.

    The keys are those of 0.9.0's ``memory://startup-context``.
    """
    answer: dict[str, Any] = {
        "instructions": usage,
        "total_projects": len(rows),
        "available_projects": [],
        "high_importance_contexts": [],
    }
    entries: list[tuple[str, Any]] = [
        (
            "high_importance_contexts",
            {
                "id": context.id,
                "project": context.project,
                "importance": context.note.importance,
                "created_at": timestamp(context.created_at),
                "content": excerpt(context),
            },
        )
        for context in contexts
    ]
    # Projects first: a name costs little and says where to look.
    entries[:0] = [("available_projects", _project(row)) for row in rows[:20]]
    for key, entry in entries:
        answer[key].append(entry)
        if len(_json(answer).encode()) > _OVERVIEW_BYTES:
            answer[key].pop()
    return _json(answer)


def _project(row: Project) -> ProjectAnswer:
    return {
        "id": row.name,
        "context_count": row.context_count,
        "created_at": timestamp(row.created_at),
        "last_saved_at": timestamp(row.last_saved_at),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
