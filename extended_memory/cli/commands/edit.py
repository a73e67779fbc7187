"""``edit``: changes a context, its text in the person's own editor."""

from datetime import timedelta

from extended_memory.cli import console, environment, options
from extended_memory.cli.content import checked_content
from extended_memory.cli.editor import draft, edit_file
from extended_memory.cli.errors import no_such_context
from extended_memory.domain import (
    Change,
    Context,
    ContextChangedError,
    TimeSpan,
    UpdatedContext,
)
from extended_memory.errors import ExtendedMemoryError
from extended_memory.protocol import answers
from extended_memory.protocol.replies import local_time
from extended_memory.service import MemoryService

_MILLISECOND = timedelta(milliseconds=1)


class EditRefusedError(ExtendedMemoryError):
    """A change was not made; the sentence says why, and shows what is there."""


def edit(
    context_id: options.Id,
    /,
    *,
    importance: options.NewImportance = None,
    add_tag: options.AddTags = (),
    remove_tag: options.RemoveTags = (),
    project: options.OnlyProject = "",
    as_json: options.Json = False,
) -> None:
    """Change a context: its text in $VISUAL or $EDITOR, or with options what they name.

    What it was is kept: restore ID --revision N brings it back.
    """
    with environment.opened_memory(project=project) as memory:
        if importance is None and not add_tag and not remove_tag:
            updated = _edit_text(memory, context_id, project)
        else:
            change = Change(importance=importance, add_tags=add_tag, remove_tags=remove_tag)
            updated = memory.update(context_id, change, project=project)
    if updated is None:
        raise no_such_context([context_id], project)
    if as_json:
        console.show_json(answers.updated(updated))
    elif updated.revision is None:
        console.say(f"#{context_id} is so already; nothing was changed.")
    else:
        console.say(
            f"Changed #{context_id}; restore {context_id} --revision {updated.revision} brings "
            "back what it was."
        )


def _edit_text(memory: MemoryService, context_id: int, project: str) -> UpdatedContext | None:
    """Let a person change the text of a context; return None where there is no such context."""
    found = memory.get([context_id], project=project)
    if not found:
        return None
    (context,) = found
    with draft(context.note.content, name=f"context-{context_id}") as path:
        text = edit_file(path, environment.editor())
        if text == context.note.content:
            return UpdatedContext(context=context, revision=None)
        try:
            return memory.update(
                context_id,
                Change(content=checked_content(text)),
                project=project,
                last_changed=_last_change(context),
            )
        except ContextChangedError as refusal:
            raise EditRefusedError(_changed_meanwhile(refusal.current)) from refusal


def _last_change(context: Context) -> TimeSpan:
    """Return the span of a context's last change: stores keep milliseconds."""
    moment = context.last_changed_at
    return TimeSpan(since=moment, until=moment + _MILLISECOND)


def _changed_meanwhile(current: Context) -> str:
    """Say that a change was refused, and show what it would have overwritten."""
    return (
        f"#{current.id} was changed meanwhile, at {local_time(current.last_changed_at)}, so it was "
        f"left as it is. It is now:\n\n{console.clean(current.note.content)}"
    )
