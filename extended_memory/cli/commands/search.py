"""``search``: finds contexts by their words."""

from extended_memory.cli import console, environment, options
from extended_memory.cli.suggestions import named
from extended_memory.domain import SearchPage
from extended_memory.protocol import answers
from extended_memory.search.passage import best_passage
from extended_memory.service import MemoryService

_TAGS_WIDTH = 16

# Columns of the terminal that a row takes beside the content, gaps among them.
_FIXED_WIDTH = 16
_SAVED_WIDTH = 18


def search(
    query: options.Query,
    /,
    *,
    filters: options.Filters = options.EVERYTHING,
    limit: options.SearchLimit = options.DEFAULT_SEARCH_LIMIT,
    offset: options.Offset = 0,
    as_json: options.Json = False,
) -> None:
    """Find contexts of a project by their words, in any form, the best first.

    Parameters
    ----------
    query
        Words or a question.
    """
    with environment.opened_memory(missing="empty", project=filters.project) as memory:
        project = memory.project_for(filters.project)
        page = memory.search(
            project,
            query,
            filters.selection,
            limit=limit,
            offset=offset,
        )
        others = "" if page.total else _others(memory, project)
    after = offset + len(page.found)
    is_more = bool(page.found) and page.total > after
    if as_json:
        console.show_json(
            {
                "project_id": project,
                "contexts": [
                    {**answers.whole(found.context), **answers.reasons(found)}
                    for found in page.found
                ],
                "total": page.total,
                "next_offset": after if is_more else None,
                "suggestions": list(page.suggestions),
                "unindexed": page.unindexed,
            }
        )
        return
    if page.found:
        _show(page)
    else:
        environment.note_empty(
            f"Nothing is left at offset {offset:,}."
            if page.total
            else f'Nothing in the project "{project}" matches.{others}'
        )
        if page.suggestions:
            console.note(f"Did you mean: {', '.join(page.suggestions)}?")
    if is_more:
        console.note(
            f"{offset + 1:,} to {after:,} of {page.total:,}; --offset {after} shows the next."
        )
    if page.unindexed:
        console.note(
            f"{page.unindexed:,} older contexts cannot be found yet: the server indexes them while "
            "it runs."
        )


def _show(page: SearchPage) -> None:
    """Print what was found, a line each; in a terminal the passage that answers best."""
    out = console.out()
    saved = [console.short("saved")] * (not console.is_narrow(out))
    tags = [console.short("tags", width=_TAGS_WIDTH)] * console.is_wide(out)
    shown = console.table(
        console.number("id"), console.number("score"), *saved, *tags, console.rest("content")
    )
    room = out.width - _FIXED_WIDTH - (_SAVED_WIDTH if saved else 0) - (_TAGS_WIDTH if tags else 0)
    for found in page.found:
        context = found.context
        shown.add_row(
            f"{context.id}",
            f"{found.score:.2f}",
            *[console.when(out, context.created_at) for _ in saved],
            *[", ".join(context.note.tags) for _ in tags],
            _passage(context.note.content, page.terms, room)
            if out.is_terminal
            else context.note.content,
        )
    out.print(shown)


def _passage(content: str, terms: frozenset[str], room: int) -> str:
    """Return the passage of a content that answers best, as long as a line has room for."""
    line = console.one_line(content)
    bytes_of_a_column = len(line.encode()) / max(console.width(line), 1)
    passage, _ = best_passage(line, terms, int(room * bytes_of_a_column))
    before = "" if line.startswith(passage) else "…"
    return before + passage + ("" if line.endswith(passage) else "…")


def _others(memory: MemoryService, project: str) -> str:
    """Name the other projects, or the memory where there is no project at all."""
    projects = memory.projects()
    others = [each.name for each in projects if each.name != project]
    if not others:
        return "" if projects else f" {environment.whereabouts()}"
    return f" Others are {named(others)}: use --project."
