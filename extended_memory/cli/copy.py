"""``copy``: brings everything in one store into another one."""

from rich.console import Console

from extended_memory.cli import surroundings
from extended_memory.domain import Context, ForeignContext, SettingsError
from extended_memory.service import MemoryService
from extended_memory.settings import SqliteLocation
from extended_memory.transfer.origins import origin_of

_BATCH = 500


def copy(source: str, target: str, /) -> None:
    """Copy every context of one store into another, with its time, tags and project.

    The first store is only read, and a second run adds nothing. The contexts get new ids.

    Parameters
    ----------
    source
        Where they are, such as sqlite:///~/memory/memory.db.
    target
        Where they go to, such as redis://localhost:6379/0.
    """
    at = surroundings.place(source)
    if isinstance(at, SqliteLocation) and not at.path.exists():
        raise SettingsError(f"There is no file {at.path.name} to copy from: check the path.")
    found = new = last = 0
    with (
        surroundings.memory(at) as old,
        surroundings.memory(surroundings.place(target)) as memory,
    ):
        memory.prepare()  # what the log has to say of the stores comes before the bar
        total = sum(project.context_count for project in old.projects())
        with surroundings.progress() as progress:
            task = progress.add_task("Copying", total=total)
            while contexts := old.walk(after=last, limit=_BATCH):
                # What is there under its own id already, is so where both are one store, or
                # where one began as a copy of the other's file.
                there = _between(memory, last, contexts[-1].id)
                new += memory.bring([_foreign(c) for c in contexts if c not in there])
                found, last = found + len(contexts), contexts[-1].id
                progress.advance(task, len(contexts))
    out = Console(soft_wrap=True, highlight=False)
    out.print(f"{new:,} of {found:,} contexts copied.")
    if found > new:
        out.print(f"{found - new:,} were there before.")


def _between(memory: MemoryService, after: int, last: int) -> set[Context]:
    """Return the contexts whose ids are in a range."""
    found: set[Context] = set()
    while contexts := memory.walk(after=after, limit=_BATCH):
        found.update(context for context in contexts if context.id <= last)
        after = contexts[-1].id
        if after >= last:
            break
    return found


def _foreign(context: Context) -> ForeignContext:
    return ForeignContext(
        origin=origin_of(context),
        project=context.project,
        content=context.content,
        importance=context.importance,
        tags=context.tags,
        created_at=context.created_at,
    )
