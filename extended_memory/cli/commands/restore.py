"""``restore``: brings a context back, or an earlier text of it."""

from extended_memory.cli import console, environment, options
from extended_memory.cli.errors import NoSuchContextError, no_such_context, no_such_revision
from extended_memory.protocol import answers
from extended_memory.service import MemoryService


def restore(
    context_id: options.Id,
    /,
    *,
    revision: options.RevisionNumber = None,
    project: options.OnlyProject = "",
    as_json: options.Json = False,
) -> None:
    """Bring a context back from the trash, or an earlier text of it.

    An earlier text comes with the importance and the tags that it had.
    """
    with environment.opened_memory(project=project) as memory:
        restored = memory.restore(context_id, project=project, revision=revision)
        if restored is None:
            raise _refusal(memory, context_id, project, revision)
    if as_json:
        console.show_json({"context": answers.whole(restored)})
    elif revision is None:
        console.say(f'Restored #{context_id} in the project "{restored.project}".')
    else:
        console.say(f"#{context_id} is again what it was before change {revision}.")


def _refusal(
    memory: MemoryService, context_id: int, project: str, revision: int | None
) -> NoSuchContextError:
    """Return the error that says why nothing was restored."""
    if not memory.get([context_id], project=project):
        return no_such_context([context_id], project)
    if revision is None:
        return NoSuchContextError(f"#{context_id} is not in the trash; nothing was restored.")
    return no_such_revision(context_id, revision)
