"""``show``: one context whole, or an earlier text of it."""

import sys
from collections.abc import Sequence

from markdown_it import MarkdownIt
from rich.markdown import Markdown

from extended_memory.cli import console, environment, options
from extended_memory.cli.errors import no_such_context, no_such_revision
from extended_memory.domain import Context, Revision
from extended_memory.protocol import answers
from extended_memory.protocol.replies import local_time, timestamp

_REVISIONS_LIMIT = 10_000
_TAGS_WIDTH = 18


def show(
    context_id: options.Id,
    /,
    *,
    revision: options.RevisionNumber = None,
    revisions: options.Switch = False,
    raw: options.Switch = False,
    project: options.OnlyProject = "",
    as_json: options.Json = False,
) -> None:
    """Show one context whole: in a terminal as Markdown below what is known of it.

    In a pipe it is the content alone, byte for byte.

    Parameters
    ----------
    revisions
        List what it was before its changes, in place of the content.
    raw
        Print the content byte for byte in a terminal too.
    """
    with environment.opened_memory(project=project) as memory:
        found = memory.get([context_id], project=project)
        if not found:
            raise no_such_context([context_id], project)
        (context,) = found
        earlier = memory.revisions(context_id, project=project, limit=_REVISIONS_LIMIT)
    content = (
        context.note.content if revision is None else _content_before(earlier, context_id, revision)
    )
    if as_json:
        console.show_json(
            {**answers.whole(context), "revisions": [_revision_values(each) for each in earlier]}
        )
    elif revisions:
        _list_revisions(context, earlier)
    elif raw or not console.out().is_terminal:
        console.write(content)
        if sys.stdout.isatty() and not content.endswith("\n"):
            console.write("\n")
    else:
        _print_heading(context, earlier, revision)
        show_markdown(content)


def show_markdown(text: str) -> None:
    """Print a text as Markdown, with its line ends and its HTML as they are written."""
    text = console.clean(text)
    markdown = Markdown(text, hyperlinks=False)  # the address of a link is shown
    # Notes are written in lines, and what looks like HTML in them, such as a type, is text.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    markdown.parsed = parser.parse(text)
    for token in markdown.parsed:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"
    console.out().print(console.Safe(markdown))


def _print_heading(context: Context, earlier: Sequence[Revision], revision: int | None) -> None:
    """Print the facts about a context, above its content."""
    out = console.out()
    head = f"#{context.id} importance {context.note.importance}"
    head += f", tags: {', '.join(context.note.tags)}" if context.note.tags else ""
    times = f'project "{context.project}", saved {local_time(context.created_at)}'
    times += f", changed {local_time(context.updated_at)}" if context.updated_at else ""
    times += f", revisions: {len(earlier)}" if earlier else ""
    out.print(console.one_line(head), style="bold", markup=False)
    out.print(console.one_line(times), style="dim", markup=False)
    if revision is not None:
        out.print(f"the text before change {revision}", style="dim")
    out.print()


def _list_revisions(context: Context, earlier: Sequence[Revision]) -> None:
    if not earlier:
        console.note(f"#{context.id} was never changed.")
        return
    out = console.out()
    narrow = console.is_narrow(out)
    shown = console.table(
        console.number("revision"),
        console.short("until"),
        *[console.number("imp"), console.short("tags", width=_TAGS_WIDTH)] * (not narrow),
        console.rest("content"),
    )
    for each in earlier:
        shown.add_row(
            f"{each.number}",
            local_time(each.replaced_at),
            *[f"{each.note.importance}", ", ".join(each.note.tags)] * (not narrow),
            each.note.content,
        )
    out.print(shown)


def _content_before(earlier: Sequence[Revision], context_id: int, number: int) -> str:
    for each in earlier:
        if each.number == number:
            return each.note.content
    raise no_such_revision(context_id, number)


def _revision_values(revision: Revision) -> dict[str, object]:
    return {
        "revision": revision.number,
        "replaced_at": timestamp(revision.replaced_at),
        "importance_level": revision.note.importance,
        "tags": list(revision.note.tags),
        "content": revision.note.content,
    }
