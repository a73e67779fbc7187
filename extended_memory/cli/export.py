"""``export``: writes the memory to a file, to standard output, or to a folder of Markdown."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from os.path import expanduser
from pathlib import Path
from typing import IO, Annotated, Literal

from cyclopts import Parameter
from rich.progress import Progress

from extended_memory.cli import moving, screen, surroundings
from extended_memory.cli.whole_store import everything
from extended_memory.domain import ForeignContext
from extended_memory.service import MemoryService
from extended_memory.transfer import exporting, jsonl, markdown
from extended_memory.transfer.reading import TransferError

_NOTHING = {"contexts": 0, "trash": 0, "revisions": 0}


def export(
    file: moving.Place = moving.STANDARD,
    /,
    *,
    form: Annotated[Literal["jsonl", "markdown"], Parameter(name="--format")] = "jsonl",
    project: str = "",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Write the memory to a file, to standard output, or to a folder of Markdown files.

    JSON lines hold everything, earlier texts and the trash too: `import` makes the same store of
    them. Markdown is to be read: a file for each context, without earlier texts and the trash.

    Parameters
    ----------
    file
        The file or, for Markdown, a new folder; - or nothing is standard output.
    form
        What to write.
    project
        Only this project.
    as_json
        Print the report as one JSON object; on standard error where the data is on standard
        output.
    """
    if form == "markdown" and file == moving.STANDARD:
        raise TransferError(
            "Markdown goes into a folder: name a new one, such as `export --format markdown notes`."
        )
    with surroundings.opened(missing="empty") as memory:
        only = moving.project_name(project)
        if only or memory.pinned is not None:
            only = memory.project_for(only)
        if surroundings.is_empty_place() and file != moving.STANDARD:
            # It was said; an empty file in place of an earlier export would look like one.
            if as_json:
                screen.show_json({"file": None, **_NOTHING})
            else:
                screen.note("No file was written.")
            return
        memory.prepare()  # what the log has to say of the store comes before the bar
        path = Path(expanduser(file))
        with _told(path.name), surroundings.progress() as progress:
            if form == "markdown":
                report = _to_folder(memory, path, only, progress)
            elif file == moving.STANDARD:
                progress.disable = sys.stdout.isatty()  # a bar would stand among the lines
                report = _to_lines(memory, sys.stdout.buffer, only, progress)
                sys.stdout.buffer.flush()
            else:
                with exporting.new_file(path) as out:
                    report = _to_lines(memory, out, only, progress)
    _tell(report, file, as_json)


def _to_lines(
    memory: MemoryService, out: IO[bytes], project: str, progress: Progress
) -> dict[str, int]:
    task = progress.add_task("Exporting", total=_total(memory, project))
    out.write(jsonl.header(datetime.now(timezone.utc)))
    counts = dict(_NOTHING)
    for context_id, context in _of(memory, project):
        out.write(jsonl.line(context_id, context))
        counts["trash" if context.forgotten_at else "contexts"] += 1
        counts["revisions"] += len(context.revisions)
        progress.advance(task, context.forgotten_at is None)
    return counts


def _to_folder(
    memory: MemoryService, path: Path, project: str, progress: Progress
) -> dict[str, int]:
    task = progress.add_task("Exporting", total=_total(memory, project))
    written = 0
    with exporting.new_folder(path) as folder:
        for context_id, context in _of(memory, project):
            if context.forgotten_at is None:
                file = folder / markdown.file_of(context_id, context)
                exporting.put(file, markdown.text_of(context_id, context))
                written += 1
                progress.advance(task)
    return {"contexts": written}


def _of(memory: MemoryService, project: str) -> Iterator[tuple[int, ForeignContext]]:
    return (one for one in everything(memory) if project in ("", one[1].project))


def _total(memory: MemoryService, project: str) -> int:
    return sum(one.context_count for one in memory.projects() if project in ("", one.name))


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what the system refuses into a sentence."""
    try:
        yield
    except BrokenPipeError as error:
        # Whoever reads has enough: nothing more can be written, at the end of the process either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise TransferError("Nobody reads on: the export is not whole.") from error
    except OSError as error:
        where = "Standard output" if name == moving.STANDARD else name
        raise TransferError(
            f"{where} cannot be written: {error.strerror or error}. "
            "What was there before is untouched."
        ) from error


def _tell(report: dict[str, int], file: str, as_json: bool) -> None:
    say = screen.note if file == moving.STANDARD else screen.say
    if as_json:
        say(json.dumps({"file": file, **report}, ensure_ascii=False))
        return
    name = "standard output" if file == moving.STANDARD else file
    lines = [f"{moving.counted(report['contexts'], 'context')} exported to {name}."]
    if report.get("trash"):
        lines.append(
            f"{report['trash']:,} more came from the trash, and go there again at an import."
        )
    if report.get("revisions"):
        lines.append(f"{moving.counted(report['revisions'], 'earlier text')} came along.")
    say("\n".join(lines))
