"""``projects``, ``list``, ``tags``, ``trash``: what is kept, a line for each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from extended_memory.cli import console, environment, options
from extended_memory.domain import EVERY_CONTEXT, Context, ContextPage, ForgottenContext
from extended_memory.protocol import answers
from extended_memory.protocol.replies import in_local_zone, timestamp
from extended_memory.service import MemoryService

_TAGS_WIDTH = 16
_BAR_WIDTH = 20
_OTHERS_NAMED = 5


def projects(*, as_json: options.Json = False) -> None:
    """List the projects, the one saved to last first."""
    with environment.opened(missing="empty") as memory:
        rows = memory.projects()
    if as_json:
        console.show_json(answers.projects(rows, total=len(rows)))
        return
    out = console.out()
    narrow = console.is_narrow(out)
    times = [console.short("last saved")] + [console.short("first saved")] * (not narrow)
    shown = console.table(console.number("contexts"), *times, console.rest("project"))
    for row in rows:
        moments = [console.when(out, row.last_saved_at)]
        moments += [console.when(out, row.created_at)] * (not narrow)
        shown.add_row(f"{row.context_count}", *moments, row.name)
    if rows:
        out.print(shown)
    else:
        environment.say_nothing(f"Nothing is saved yet. {environment.whereabouts()}")


def contexts(
    *,
    filters: options.Filters = options.EVERYTHING,
    limit: options.Limit = options.DEFAULT_LIMIT,
    offset: options.Offset = 0,
    as_json: options.Json = False,
) -> None:
    """List a project's contexts, newest first."""
    with environment.opened(missing="empty") as memory:
        project = memory.project_for(filters.project)
        page = memory.load(
            project,
            filters.selection,
            limit=limit,
            offset=offset,
        )
        others = "" if page.total else elsewhere(memory, project)
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
        environment.say_nothing(_nothing(filters, project, page, offset) + others)
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


def tags(
    *,
    project: options.Project = "",
    limit: options.TagLimit = options.DEFAULT_TAG_LIMIT,
    as_json: options.Json = False,
) -> None:
    """List a project's tags, the most used first."""
    with environment.opened(missing="empty") as memory:
        project = memory.project_for(project)
        page = memory.popular_tags(project, minimum_count=1, limit=limit)
    if as_json:
        console.show_json(answers.tags(page.tags, project=project, total=page.total))
        return
    if not page.tags:
        environment.say_nothing(
            f'No context of the project "{project}" has a tag. {environment.whereabouts()}'
        )
        return
    out = console.out()
    bars = out.is_terminal and not console.is_narrow(out)
    shown = console.table(console.number("uses"), *[console.short("")] * bars, console.rest("tag"))
    for row in page.tags:
        drawn = [console.bar(row.count, page.tags[0].count, _BAR_WIDTH)] * bars
        shown.add_row(f"{row.count}", *drawn, row.tag)
    out.print(shown)
    if page.total > len(page.tags):
        console.note(f"{len(page.tags):,} of {page.total:,} tags; --limit shows more.")


def trash(
    *,
    project: options.InProject = "",
    limit: options.Limit = options.DEFAULT_LIMIT,
    as_json: options.Json = False,
) -> None:
    """List what was forgotten and can be restored, the last forgotten first."""
    with environment.opened(missing="empty") as memory:
        rows = memory.trash(project=project, limit=limit)
        kept_for = timedelta(days=memory.trash_days)
    if as_json:
        console.show_json({"contexts": [_forgotten(row) for row in rows]})
        return
    if not rows:
        environment.say_nothing(f"The trash is empty. {environment.whereabouts()}")
        return
    out = console.out()
    narrow = console.is_narrow(out)
    shown = console.table(
        console.number("id"),
        *[console.short("forgotten")] * (not narrow),
        console.short("gone after"),
        *[console.short("project", width=_TAGS_WIDTH)] * (not narrow),
        console.rest("content"),
    )
    for row in rows:
        shown.add_row(
            f"{row.context.id}",
            *[console.when(out, row.forgotten_at)] * (not narrow),
            _gone_after(row.forgotten_at, kept_for),
            *[row.context.project] * (not narrow),
            row.context.note.content,
        )
    out.print(shown)


def _gone_after(forgotten_at: datetime, kept_for: timedelta) -> str:
    try:
        return f"{in_local_zone(forgotten_at + kept_for):%Y-%m-%d}"
    except OverflowError:
        return "never"


def _forgotten(row: ForgottenContext) -> dict[str, object]:
    return {**answers.whole(row.context), "forgotten_at": timestamp(row.forgotten_at)}


def elsewhere(memory: MemoryService, project: str) -> str:
    """Say, where nothing was found in a project, which others there are, or where it was."""
    projects = memory.projects()
    others = [f'"{row.name}"' for row in projects if row.name != project]
    if not others:
        return "" if projects else f" {environment.whereabouts()}"
    more = len(others) - _OTHERS_NAMED
    named = ", ".join(others[:_OTHERS_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return f" Others are {named}: use --project."


def _nothing(filters: options.Filters, project: str, page: ContextPage, offset: int) -> str:
    """Say why nothing is listed."""
    if page.total:
        return f"Nothing is left at offset {offset:,}."
    if filters.selection == EVERY_CONTEXT:
        return f'The project "{project}" holds no context.'
    return f'No context of the project "{project}" passes these filters.'
