"""``show``: one context whole, or an earlier text of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markdown_it import MarkdownIt
from rich.markdown import Markdown

from extended_memory.cli import console, environment, options
from extended_memory.cli.errors import no_such_context, no_such_revision
from extended_memory.domain import Context, Revision
from extended_memory.protocol import answers
from extended_memory.protocol.replies import local_time, timestamp
from extended_memory.service import MemoryService

_REVISIONS_LIMIT = 10_000
_TRASH_LIMIT = 100_000
_TAGS_WIDTH = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A context with its revisions.

    ``forgotten_at`` where it is in the trash; ``before`` where it is as it was before a change.
    """

    context: Context
    revisions: tuple[Revision, ...]
    forgotten_at: datetime | None = None
    before: int | None = None


def show(
    ids: options.Ids,
    /,
    *,
    revision: options.RevisionNumber = None,
    revisions: options.Switch = False,
    raw: options.Switch = False,
    project: options.OnlyProject = "",
    as_json: options.Json = False,
) -> None:
    """Show contexts whole: in a terminal as Markdown below what is known of them.

    In a pipe, one is the content alone, byte for byte. Those in the trash are shown as well.

    Parameters
    ----------
    revisions
        List what it was before its changes, in place of the content.
    raw
        Print the content byte for byte in a terminal too.
    """
    with environment.opened_memory(project=project) as memory:
        found = _find(memory, ids, project)
    if missing := [number for number in ids if number not in found]:
        raise no_such_context(missing, project)
    if revision is not None:
        found = {number: _before(each, revision) for number, each in found.items()}
    if as_json:
        values = [_values(each) for each in found.values()]
        console.show_json(values if len(values) > 1 else values[0])
        return
    for place, each in enumerate(found.values()):
        if place:
            console.write("\n")
        _print(each, lists_revisions=revisions, is_raw=raw, is_alone=len(found) == 1)


def _find(memory: MemoryService, ids: Sequence[int], project: str) -> dict[int, _Shown]:
    """Return the contexts of some ids, also those in the trash, in the order of the ids."""
    found: dict[int, tuple[Context, datetime | None]] = {
        context.id: (context, None) for context in memory.get(ids, project=project)
    }
    if len(found) < len(ids):
        for forgotten in memory.trash(project=project, limit=_TRASH_LIMIT):
            if forgotten.context.id in ids:
                found[forgotten.context.id] = forgotten.context, forgotten.forgotten_at
    return {
        number: _Shown(
            context=found[number][0],
            revisions=memory.revisions(number, project=project, limit=_REVISIONS_LIMIT),
            forgotten_at=found[number][1],
        )
        for number in ids
        if number in found
    }


def _before(shown: _Shown, number: int) -> _Shown:
    """Return a context with the note that it had before a change."""
    for revision in shown.revisions:
        if revision.number == number:
            context = replace(shown.context, note=revision.note)
            return replace(shown, context=context, before=number)
    raise no_such_revision(shown.context.id, number)


def _values(shown: _Shown) -> dict[str, object]:
    values: dict[str, object] = {
        **answers.whole(shown.context),
        "revisions": [_revision_values(each) for each in shown.revisions],
    }
    if shown.forgotten_at is not None:
        values["forgotten_at"] = timestamp(shown.forgotten_at)
    return values


def _print(shown: _Shown, *, lists_revisions: bool, is_raw: bool, is_alone: bool) -> None:
    """Print a context as a person or a pipe wants it."""
    content = shown.context.note.content
    if lists_revisions:
        _list_revisions(shown.context, shown.revisions)
    elif is_raw or not console.out().is_terminal:
        if not is_alone:
            _print_heading(shown)
        console.write(content)
        if (sys.stdout.isatty() or not is_alone) and not content.endswith("\n"):
            console.write("\n")
    else:
        _print_heading(shown)
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


def _print_heading(shown: _Shown) -> None:
    """Print the facts about a context, above its content."""
    out, context = console.out(), shown.context
    head = f"#{context.id} importance {context.note.importance}"
    head += f", tags: {', '.join(context.note.tags)}" if context.note.tags else ""
    times = f'project "{context.project}", saved {local_time(context.created_at)}'
    times += f", changed {local_time(context.updated_at)}" if context.updated_at else ""
    times += f", revisions: {len(shown.revisions)}" if shown.revisions else ""
    if shown.forgotten_at is not None:
        times += f", in the trash since {local_time(shown.forgotten_at)}"
    out.print(console.one_line(head), style="bold", markup=False)
    out.print(console.one_line(times), style="dim", markup=False)
    if shown.before is not None:
        out.print(f"the text before change {shown.before}", style="dim")
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


def _revision_values(revision: Revision) -> dict[str, object]:
    return {
        "revision": revision.number,
        "replaced_at": timestamp(revision.replaced_at),
        "importance_level": revision.note.importance,
        "tags": list(revision.note.tags),
        "content": revision.note.content,
    }
