"""``rename-project``: gives a project another name."""

from extended_memory.cli import console, environment, options
from extended_memory.cli.errors import RefusedError
from extended_memory.cli.suggestions import no_such_project
from extended_memory.counts import counted


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
    with environment.opened_memory() as memory:
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
                f'There is a project "{new}" already, with {counted(counts[new], "context")}.',
                remedy="--merge makes one of both.",
            )
        if old in counts and not yes:
            into = f", which holds {counted(counts[new], 'context')}" if new in counts else ""
            question = (
                f'Move {counted(counts[old], "context")} of "{old}" to the project "{new}"{into}?'
            )
            if not console.ask(question):
                raise RefusedError("Nothing was renamed.")
        # Before: what is moved is in the trash of the new one.
        in_trash = bool(memory.trash(project=old, limit=1))
        # Also where the old one is not to be seen: an earlier call may have been cut short.
        moved = memory.rename_project(old, new)
        if not moved and not in_trash:
            raise no_such_project(old, list(counts))
    if as_json:
        console.show_json({"project_id": new, "moved": moved})
    else:
        what = counted(moved, "context") if moved else "The trash"
        console.say(f'{what} moved from "{old}" to "{new}".')
