"""``trash``: the contexts that were forgotten and can be restored."""

from datetime import datetime, timedelta

from extended_memory.cli import console, environment, options
from extended_memory.domain import ForgottenContext
from extended_memory.protocol import answers
from extended_memory.protocol.replies import in_local_zone, timestamp

_TAGS_WIDTH = 16


def trash(
    *,
    project: options.OnlyProject = "",
    limit: options.Limit = options.DEFAULT_LIMIT,
    as_json: options.Json = False,
) -> None:
    """List what was forgotten and can be restored, the last forgotten first."""
    with environment.opened_memory(missing="empty", project=project) as memory:
        rows = memory.trash(project=project, limit=limit)
        kept_for = timedelta(days=memory.trash_days)
    if as_json:
        console.show_json({"contexts": [_values(row) for row in rows]})
        return
    if not rows:
        environment.note_empty(f"The trash is empty. {environment.whereabouts()}")
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
            _last_day(row.forgotten_at, kept_for),
            *[row.context.project] * (not narrow),
            row.context.note.content,
        )
    out.print(shown)


def _last_day(forgotten_at: datetime, kept_for: timedelta) -> str:
    try:
        return f"{in_local_zone(forgotten_at + kept_for):%Y-%m-%d}"
    except OverflowError:
        return "never"


def _values(row: ForgottenContext) -> dict[str, object]:
    return {**answers.whole(row.context), "forgotten_at": timestamp(row.forgotten_at)}
