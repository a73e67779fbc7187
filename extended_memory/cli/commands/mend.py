"""``add``, ``forget``, ``restore``, ``rename-project``: changes of what is kept."""

import sys

from extended_memory.cli import console, environment, options
from extended_memory.cli.commands.show import NoSuchContextError, missing
from extended_memory.domain import ExtendedMemoryError, Note
from extended_memory.protocol import answers, arguments
from extended_memory.protocol.replies import beginning
from extended_memory.service import MemoryService

_SHOWN_BEFORE_FORGETTING = 20
_LOOKED_AT_IN_TRASH = 10_000


class RefusedError(ExtendedMemoryError):
    """A change was not made; the sentence says why."""


def add(
    text: options.Text,
    /,
    *,
    importance: options.Importance = options.DEFAULT_IMPORTANCE,
    tag: options.Tags = (),
    project: options.Project = "",
    as_json: options.Json = False,
) -> None:
    """Save a context, byte for byte.

    Parameters
    ----------
    text
        What to remember; - reads it from the standard input, without its last line end.
    """
    content = checked_content(_of_input() if text == "-" else text)
    with environment.opened(missing="made") as memory:
        saved = memory.save(project, Note(content=content, importance=importance, tags=tag))
    if as_json:
        console.show_json(answers.saved(saved))
    else:
        console.say(f'Saved as #{saved.id} in the project "{saved.project}".')


def checked_content(text: str) -> str:
    """Return a content that may be saved.

    Raises:
        RefusedError: it is blank, too long or no Unicode.
    """
    try:
        return str(options.read(arguments.Content, text, name="The text"))
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _of_input() -> str:
    if sys.stdin.isatty():
        console.note("Write what to remember; Ctrl-D on a line of its own ends it.")
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise RefusedError(
            "The standard input is not UTF-8.", remedy="convert it, with iconv."
        ) from error
    return text.removesuffix("\n").removesuffix("\r")


def forget(
    ids: options.Ids,
    /,
    *,
    permanently: options.Switch = False,
    yes: options.Yes = False,
    project: options.InProject = "",
    as_json: options.Json = False,
) -> None:
    """Move contexts to the trash, from where restore brings them back.

    Parameters
    ----------
    permanently
        Delete them for good, from the trash too, with all that they ever were.
    """
    forgotten, unknown = [], []
    with environment.opened() as memory:
        for_good = permanently or not memory.trash_days
        after = (
            "it is gone for good"
            if for_good
            else f"restore brings it back for {memory.trash_days} days"
        )
        if not yes and not _agreed(memory, ids, project, for_good=for_good):
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
        raise missing(unknown, project)


def _agreed(memory: MemoryService, ids: tuple[int, ...], project: str, *, for_good: bool) -> bool:
    """Show what is to be forgotten, and ask.

    Raises:
        NoSuchContextError: there is nothing of it.
    """
    there = list(memory.get(ids, project=project))
    if for_good:
        rows = memory.trash(project=project, limit=_LOOKED_AT_IN_TRASH)
        there += [row.context for row in rows if row.context.id in ids]
    if not there:
        raise missing(ids, project)
    for context in there[:_SHOWN_BEFORE_FORGETTING]:
        console.note(f"#{context.id}  {context.project}: {beginning(context.note.content)}")
    which = f"#{there[0].id}" if len(there) == 1 else f"these {len(there):,}"
    return console.ask(f"Delete {which} for good?" if for_good else f"Forget {which}?")


def restore(
    context_id: options.Id,
    /,
    *,
    revision: options.RevisionNumber = None,
    project: options.InProject = "",
    as_json: options.Json = False,
) -> None:
    """Bring a context back from the trash, or an earlier text of it.

    Parameters
    ----------
    revision
        Give it the text, importance and tags that it had before this change.
    """
    with environment.opened() as memory:
        restored = memory.restore(context_id, project=project, revision=revision)
        if restored is None:
            raise _not_restored(memory, context_id, project, revision)
    if as_json:
        console.show_json({"context": answers.whole(restored)})
    elif revision is None:
        console.say(f'Restored #{context_id} in the project "{restored.project}".')
    else:
        console.say(f"#{context_id} is again what it was before change {revision}.")


def _not_restored(
    memory: MemoryService, context_id: int, project: str, revision: int | None
) -> NoSuchContextError:
    """Say why nothing was restored."""
    if not memory.get([context_id], project=project):
        return missing([context_id], project)
    if revision is None:
        return NoSuchContextError(f"#{context_id} is not in the trash; nothing was restored.")
    return NoSuchContextError(
        f"#{context_id} has no revision {revision}.",
        remedy=f"show {context_id} --revisions lists them.",
    )


def rename_project(
    old: options.ProjectName,
    new: options.ProjectName,
    /,
    *,
    merge: options.Switch = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Give a project another name, with all its contexts and its trash.

    Parameters
    ----------
    old
        Its name now.
    new
        Its name from now on.
    merge
        Let it become one with a project that has this name already.
    """
    with environment.opened() as memory:
        if old == new:
            raise RefusedError(
                f'Both names are those of the project "{new}": names are compared '
                "in lower case, with _ and - as spaces."
            )
        for name in (old, new):
            memory.project_for(name)  # a pin refuses before anything is asked
        counts = {project.name: project.context_count for project in memory.projects()}
        if new in counts and not merge:
            raise RefusedError(
                f'There is a project "{new}" already, with {_contexts(counts[new])}.',
                remedy="--merge makes one of both.",
            )
        if old in counts and not yes:
            into = f", which holds {_contexts(counts[new])}" if new in counts else ""
            question = f'Move {_contexts(counts[old])} of "{old}" to the project "{new}"{into}?'
            if not console.ask(question):
                raise RefusedError("Nothing was renamed.")
        # Also where the old one is not to be seen: an earlier call may have been cut short.
        moved = memory.rename_project(old, new)
        if not moved:
            raise RefusedError(f'There is no project "{old}".', remedy="projects lists them.")
    if as_json:
        console.show_json({"project_id": new, "moved": moved})
    else:
        console.say(f'{_contexts(moved)} moved from "{old}" to "{new}".')


def _contexts(count: int) -> str:
    return "1 context" if count == 1 else f"{count:,} contexts"
