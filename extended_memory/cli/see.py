"""``projects``, ``list``, ``tags``, ``trash``: what is kept, a line for each."""

from collections.abc import Sequence
from datetime import timedelta

from extended_memory import answers
from extended_memory.cli import given, screen, surroundings
from extended_memory.domain import Context, ContextPage, ForgottenContext
from extended_memory.rendering import timestamp
from extended_memory.service import MemoryService

_TAGS_WIDTH = 16
_BAR_WIDTH = 20
_OTHERS_NAMED = 5


def projects(*, as_json: given.Json = False) -> None:
    """List the projects, the one saved to last first."""
    with surroundings.opened(missing="empty") as memory:
        rows = memory.projects()
    if as_json:
        screen.show_json(answers.projects(rows, total=len(rows)))
        return
    out = screen.out()
    narrow = screen.is_narrow(out)
    times = [screen.short("last saved")] + [screen.short("first saved")] * (not narrow)
    shown = screen.table(screen.number("contexts"), *times, screen.rest("project"))
    for row in rows:
        moments = [screen.when(out, row.last_saved_at)]
        moments += [screen.when(out, row.created_at)] * (not narrow)
        shown.add_row(f"{row.context_count}", *moments, row.name)
    if rows:
        out.print(shown)
    else:
        surroundings.say_nothing(f"Nothing is saved yet. {surroundings.whereabouts()}")


def contexts(
    *,
    filters: given.Filters = given.EVERYTHING,
    limit: given.Limit = given.DEFAULT_LIMIT,
    offset: given.Offset = 0,
    as_json: given.Json = False,
) -> None:
    """List a project's contexts, newest first."""
    with surroundings.opened(missing="empty") as memory:
        project = memory.project_for(filters.project)
        page = memory.load(
            project,
            minimum_importance=filters.importance,
            tags=filters.tag,
            limit=limit,
            offset=offset,
            span=filters.span,
        )
        others = "" if page.total else elsewhere(memory, project)
    after = offset + len(page.contexts)
    is_more = bool(page.contexts) and (page.total > after or not page.total_is_exact)
    if as_json:
        screen.show_json(
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
        surroundings.say_nothing(_nothing(filters, project, page, offset) + others)
    if is_more:
        of = f"{page.total:,}" if page.total_is_exact else f"{page.total:,} or more"
        screen.note(f"{offset + 1:,} to {after:,} of {of}; --offset {after} shows the next.")


def _show(rows: Sequence[Context]) -> None:
    """Print contexts, a line each."""
    out = screen.out()
    if screen.is_narrow(out):
        shown = screen.table(screen.number("id"), screen.number("imp"), screen.rest("content"))
        for row in rows:
            shown.add_row(f"{row.id}", f"{row.importance}", row.content)
    else:
        width = _TAGS_WIDTH if out.is_terminal else None
        shown = screen.table(
            screen.number("id"),
            screen.number("imp"),
            screen.short("saved"),
            screen.short("tags", width=width),
            screen.rest("content"),
        )
        for row in rows:
            shown.add_row(
                f"{row.id}",
                f"{row.importance}",
                screen.when(out, row.created_at),
                ", ".join(row.tags),
                row.content,
            )
    out.print(shown)


def tags(
    *,
    project: given.Project = "",
    limit: given.TagLimit = given.DEFAULT_TAG_LIMIT,
    as_json: given.Json = False,
) -> None:
    """List a project's tags, the most used first."""
    with surroundings.opened(missing="empty") as memory:
        project = memory.project_for(project)
        page = memory.popular_tags(project, minimum_count=1, limit=limit)
    if as_json:
        screen.show_json(answers.tags(page.tags, project=project, total=page.total))
        return
    if not page.tags:
        surroundings.say_nothing(
            f'No context of the project "{project}" has a tag. {surroundings.whereabouts()}'
        )
        return
    out = screen.out()
    bars = out.is_terminal and not screen.is_narrow(out)
    shown = screen.table(screen.number("uses"), *[screen.short("")] * bars, screen.rest("tag"))
    for row in page.tags:
        drawn = [screen.bar(row.count, page.tags[0].count, _BAR_WIDTH)] * bars
        shown.add_row(f"{row.count}", *drawn, row.tag)
    out.print(shown)
    if page.total > len(page.tags):
        screen.note(f"{len(page.tags):,} of {page.total:,} tags; --limit shows more.")


def trash(
    *,
    project: given.InProject = "",
    limit: given.Limit = given.DEFAULT_LIMIT,
    as_json: given.Json = False,
) -> None:
    """List what was forgotten and can be restored, the last forgotten first."""
    with surroundings.opened(missing="empty") as memory:
        rows = memory.trash(project=project, limit=limit)
        kept_for = timedelta(days=memory.trash_days)
    if as_json:
        screen.show_json({"contexts": [_forgotten(row) for row in rows]})
        return
    if not rows:
        surroundings.say_nothing(f"The trash is empty. {surroundings.whereabouts()}")
        return
    out = screen.out()
    narrow = screen.is_narrow(out)
    shown = screen.table(
        screen.number("id"),
        *[screen.short("forgotten")] * (not narrow),
        screen.short("gone after"),
        *[screen.short("project", width=_TAGS_WIDTH)] * (not narrow),
        screen.rest("content"),
    )
    for row in rows:
        shown.add_row(
            f"{row.context.id}",
            *[screen.when(out, row.forgotten_at)] * (not narrow),
            f"{(row.forgotten_at + kept_for).astimezone():%Y-%m-%d}",
            *[row.context.project] * (not narrow),
            row.context.content,
        )
    out.print(shown)


def _forgotten(row: ForgottenContext) -> dict[str, object]:
    return {**answers.whole(row.context), "forgotten_at": timestamp(row.forgotten_at)}


def elsewhere(memory: MemoryService, project: str) -> str:
    """Say, where nothing was found in a project, which others there are, or where it was."""
    projects = memory.projects()
    others = [f'"{row.name}"' for row in projects if row.name != project]
    if not others:
        return "" if projects else f" {surroundings.whereabouts()}"
    more = len(others) - _OTHERS_NAMED
    named = ", ".join(others[:_OTHERS_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return f" Others are {named}: use --project."


def _nothing(filters: given.Filters, project: str, page: ContextPage, offset: int) -> str:
    """Say why nothing is listed."""
    if page.total:
        return f"Nothing is left at offset {offset:,}."
    if filters == given.Filters(project=filters.project):
        return f'The project "{project}" holds no context.'
    return f'No context of the project "{project}" passes these filters.'
