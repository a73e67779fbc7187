"""``tags``: a project's tags, a line each."""

from extended_memory.cli import console, environment, options
from extended_memory.protocol import answers

_BAR_WIDTH = 20


def tags(
    *,
    project: options.Project = "",
    limit: options.TagLimit = options.DEFAULT_TAG_LIMIT,
    as_json: options.Json = False,
) -> None:
    """List a project's tags, the most used first."""
    with environment.opened_memory(missing="empty", project=project) as memory:
        project = memory.project_for(project)
        page = memory.popular_tags(project, minimum_count=1, limit=limit)
    if as_json:
        console.show_json(answers.tags(page.tags, project=project, total=page.total))
        return
    if not page.tags:
        environment.note_empty(
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
