"""``list``: a project's contexts, a line each."""

from collections.abc import Sequence

from extended_memory.cli import console, environment, options
from extended_memory.cli.suggestions import named
from extended_memory.domain import EVERY_CONTEXT, Context, ContextPage
from extended_memory.protocol import answers
from extended_memory.service import MemoryService

_TAGS_WIDTH = 16


def list_(
    *,
    filters: options.Filters = options.EVERYTHING,
    limit: options.Limit = options.DEFAULT_LIMIT,
    offset: options.Offset = 0,
    as_json: options.Json = False,
) -> None:
    """List a project's contexts, newest first."""
    with environment.opened_memory(missing="empty", project=filters.project) as memory:
        project = memory.project_for(filters.project)
        page = memory.load(
            project,
            filters.selection,
            limit=limit,
            offset=offset,
        )
        others = "" if page.total else _others(memory, project)
    after = offset + len(page.contexts)
    is_more = bool(page.contexts) and (page.total > after or not page.total_is_exact)
    if as_json:
        console.show_json(
            {
                "project_id": project,
                "contexts": [answers.whole(context) for context in page.contexts],
                "total": page.total,
                "total_is_exact": page.total_is_exact,
                "next_offset": after if is_more else None,
            }
        )
        return
    if page.contexts:
        _show(page.contexts)
    else:
        environment.note_empty(_empty_reason(filters, project, page, offset) + others)
    if is_more:
        of = f"{page.total:,}" if page.total_is_exact else f"{page.total:,} or more"
        console.note(f"{offset + 1:,} to {after:,} of {of}; --offset {after} shows the next.")


def _show(rows: Sequence[Context]) -> None:
    """Print contexts, a line each."""
    out = console.out()
    if console.is_narrow(out):
        shown = console.table(console.number("id"), console.number("imp"), console.rest("content"))
        for row in rows:
            shown.add_row(f"{row.id}", f"{row.note.importance}", row.note.content)
    else:
        width = _TAGS_WIDTH if out.is_terminal else None
        shown = console.table(
            console.number("id"),
            console.number("imp"),
            console.short("saved"),
            console.short("tags", width=width),
            console.rest("content"),
        )
        for row in rows:
            shown.add_row(
                f"{row.id}",
                f"{row.note.importance}",
                console.when(out, row.created_at),
                ", ".join(row.note.tags),
                row.note.content,
            )
    out.print(shown)


def _empty_reason(filters: options.Filters, project: str, page: ContextPage, offset: int) -> str:
    """Return why nothing is listed."""
    if page.total:
        return f"Nothing is left at offset {offset:,}."
    if filters.selection == EVERY_CONTEXT:
        return f'The project "{project}" holds no context.'
    return f'No context of the project "{project}" passes these filters.'


def _others(memory: MemoryService, project: str) -> str:
    """Name the other projects, or the memory where there is no project at all."""
    projects = memory.projects()
    others = [each.name for each in projects if each.name != project]
    if not others:
        return "" if projects else f" {environment.whereabouts()}"
    return f" Others are {named(others)}: use --project."
