"""``search``: finds contexts by their words."""

from extended_memory import answers
from extended_memory.cli import given, screen, surroundings
from extended_memory.cli.see import elsewhere
from extended_memory.domain import SearchPage
from extended_memory.search.passage import best_passage

_TAGS_WIDTH = 16

# Columns that a row takes beside the content, with those between.
_BESIDE = 16
_BESIDE_SAVED = 18


def search(
    query: given.Query,
    /,
    *,
    filters: given.Filters = given.EVERYTHING,
    limit: given.SearchLimit = given.DEFAULT_SEARCH_LIMIT,
    offset: given.Offset = 0,
    as_json: given.Json = False,
) -> None:
    """Find contexts of a project by their words, in any form, the best first.

    Parameters
    ----------
    query
        Words or a question, as one argument.
    """
    with surroundings.opened(missing="empty") as memory:
        project = memory.project_for(filters.project)
        page = memory.search(
            project,
            query,
            minimum_importance=filters.importance,
            tags=filters.tag,
            span=filters.span,
            limit=limit,
            offset=offset,
        )
        others = "" if page.total else elsewhere(memory, project)
    after = offset + len(page.found)
    is_more = bool(page.found) and page.total > after
    if as_json:
        screen.show_json(
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
        surroundings.say_nothing(
            f"Nothing is left at offset {offset:,}."
            if page.total
            else f'Nothing in the project "{project}" matches.{others}'
        )
        if page.suggestions:
            screen.note(f"Did you mean: {', '.join(page.suggestions)}?")
    if is_more:
        screen.note(
            f"{offset + 1:,} to {after:,} of {page.total:,}; --offset {after} shows the next."
        )
    if page.unindexed:
        screen.note(
            f"{page.unindexed:,} older contexts cannot be found yet: the server indexes them while "
            "it runs."
        )


def _show(page: SearchPage) -> None:
    """Print what was found, a line each; in a terminal the passage that answers best."""
    out = screen.out()
    saved = [screen.short("saved")] * (not screen.is_narrow(out))
    tags = [screen.short("tags", width=_TAGS_WIDTH)] * screen.is_wide(out)
    shown = screen.table(
        screen.number("id"), screen.number("score"), *saved, *tags, screen.rest("content")
    )
    room = out.width - _BESIDE - (_BESIDE_SAVED if saved else 0) - (_TAGS_WIDTH if tags else 0)
    for found in page.found:
        context = found.context
        shown.add_row(
            f"{context.id}",
            f"{found.score:.2f}",
            *[screen.when(out, context.created_at) for _ in saved],
            *[", ".join(context.tags) for _ in tags],
            _passage(context.content, page.terms, room) if out.is_terminal else context.content,
        )
    out.print(shown)


def _passage(content: str, terms: frozenset[str], room: int) -> str:
    """Return the passage of a content that answers best, as long as a line has room for."""
    line = screen.one_line(content)
    bytes_of_a_column = len(line.encode()) / max(screen.width(line), 1)
    passage, _ = best_passage(line, terms, int(room * bytes_of_a_column))
    before = "" if line.startswith(passage) else "…"
    return before + passage + ("" if line.endswith(passage) else "…")
