"""``projects``: the projects, a line each."""

from extended_memory.cli import console, environment, options
from extended_memory.protocol import answers


def projects(*, as_json: options.Json = False) -> None:
    """List the projects, the one saved to last first."""
    with environment.opened_memory(missing="empty") as memory:
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
        environment.note_empty(f"Nothing is saved yet. {environment.whereabouts()}")
