"""``forget``: moves contexts to the trash, or deletes them."""

from extended_memory.cli import console, environment, options
from extended_memory.cli.errors import RefusedError, no_such_context
from extended_memory.protocol.replies import beginning
from extended_memory.service import MemoryService

_SHOWN_BEFORE_FORGETTING = 20
_TRASH_LIMIT = 10_000


def forget(
    ids: options.Ids,
    /,
    *,
    permanently: options.Switch = False,
    yes: options.Yes = False,
    project: options.OnlyProject = "",
    as_json: options.Json = False,
) -> None:
    """Move contexts to the trash, from where restore brings them back.

    Parameters
    ----------
    permanently
        Delete them for good, from the trash too, with all that they ever were.
    """
    forgotten, unknown = [], []
    with environment.opened_memory(project=project) as memory:
        for_good = permanently or not memory.trash_days
        after = (
            "it is gone for good"
            if for_good
            else f"restore brings it back for {memory.trash_days} days"
        )
        if not yes and not _is_confirmed(memory, ids, project, for_good=for_good):
            raise RefusedError("Nothing was forgotten.")
        for number in ids:
            where = memory.forget(number, project=project, permanently=permanently)
            if where is None:
                unknown.append(number)
                continue
            forgotten.append({"id": number, "project_id": where, "can_be_restored": not for_good})
            if not as_json:
                console.say(f'Forgot #{number} of the project "{where}"; {after}.')
    if as_json:
        console.show_json({"forgotten": forgotten, "unknown": unknown})
    if unknown:
        raise no_such_context(unknown, project)


def _is_confirmed(
    memory: MemoryService, ids: tuple[int, ...], project: str, *, for_good: bool
) -> bool:
    """Show the contexts that are to be forgotten, and ask.

    Raises:
        NoSuchContextError: none of them is there.
    """
    there = list(memory.get(ids, project=project))
    if for_good:
        rows = memory.trash(project=project, limit=_TRASH_LIMIT)
        there += [row.context for row in rows if row.context.id in ids]
    if not there:
        raise no_such_context(ids, project)
    for context in there[:_SHOWN_BEFORE_FORGETTING]:
        console.note(f"#{context.id}  {context.project}: {beginning(context.note.content)}")
    which = f"#{there[0].id}" if len(there) == 1 else f"these {len(there):,}"
    return console.ask(f"Delete {which} for good?" if for_good else f"Forget {which}?")
