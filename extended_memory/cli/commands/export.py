"""``export``: writes the memory to a file, to standard output, or to a folder of Markdown."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from os.path import expanduser
from pathlib import Path
from typing import IO, Annotated, Literal

from cyclopts import Parameter

from extended_memory import output
from extended_memory.cli import console, environment, options
from extended_memory.cli.progress import progress
from extended_memory.counts import counted
from extended_memory.output import Target
from extended_memory.storage.backends import store_files
from extended_memory.store_service import StoreService
from extended_memory.transfer import files
from extended_memory.transfer.formats import jsonl, markdown
from extended_memory.transfer.formats.item import TransferError
from extended_memory.transfer.snapshot import everything

_NOTHING = {"contexts": 0, "trash": 0, "revisions": 0}


def export(
    file: options.Place = options.STANDARD,
    /,
    *,
    form: Annotated[Literal["jsonl", "markdown"], Parameter(name="--format")] = "jsonl",
    project: options.OnlyProject = "",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
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
    """
    if form == "markdown" and file == options.STANDARD:
        raise TransferError(
            "Markdown goes into a folder.",
            remedy="name a new one, such as `export --format markdown notes`.",
        )
    own_files = store_files(environment.settings().storage)
    path = Path(expanduser(file))
    with environment.opened_store(missing="empty", project=project) as store:
        store.scope.among(project)  # what is not in the scope is refused before a file is made
        if environment.is_store_missing() and file != options.STANDARD:
            # It was said; an empty file in place of an earlier export would look like one.
            if as_json:
                console.show_json({"file": None, **_NOTHING})
            else:
                console.note("No file was written.")
            return
        # Before the store is opened: a name such as /dev/fd/5 could be one of its own files then.
        if form == "markdown":
            with _raise_refusals(path.name), output.filled_folder(path, store=own_files) as folder:
                report = _to_folder(store, folder, project)
            say = console.say
        else:
            with _raise_refusals("Standard output" if file == options.STANDARD else path.name):
                to = _target(file, own_files, overwrite=overwrite)
                with output.opened(to) as out:
                    report = _to_lines(store, out, project)
            say = console.note if to.is_standard_output else console.say
    _tell(report, file, say, as_json=as_json)


def _target(file: str, own_files: tuple[Path, ...], *, overwrite: bool) -> Target:
    if file == options.STANDARD:
        return output.standard_output(own_files)
    path = Path(expanduser(file))
    if path.is_dir():
        raise TransferError(
            f"{path.name} is a folder.",
            remedy="name a file, or say --format markdown to fill a new one.",
        )
    to = output.target(path, store=own_files)
    output.require_free(to, what="export", is_one=files.is_export, overwrite=overwrite)
    return to


def _to_lines(store: StoreService, out: IO[bytes], project: str) -> dict[str, int]:
    counts = dict(_NOTHING)
    # In a terminal, a bar would stand among the lines.
    with _progress(store, project, is_shown=not out.isatty()) as advance:
        out.write(jsonl.header(datetime.now(timezone.utc)))
        for context_id, context in everything(store, project=project):
            out.write(jsonl.line(context_id, context))
            counts["trash" if context.forgotten_at else "contexts"] += 1
            counts["revisions"] += len(context.revisions)
            advance(context.forgotten_at is None)
    return counts


def _to_folder(store: StoreService, folder: Path, project: str) -> dict[str, int]:
    written = 0
    with _progress(store, project) as advance:
        for context_id, context in everything(store, project=project):
            if context.forgotten_at is None:
                file = folder / markdown.file_of(context_id, context)
                files.put(file, markdown.text_of(context_id, context))
                written += 1
                advance(True)
    return {"contexts": written}


@contextmanager
def _progress(
    store: StoreService, project: str, *, is_shown: bool = True
) -> Iterator[Callable[[bool], None]]:
    store.prepare()  # what the log has to say of the store comes before the bar
    with progress() as bar:
        bar.disable = bar.disable or not is_shown
        task = bar.add_task("Exporting", total=store.context_count(project))
        yield lambda is_one: bar.advance(task, is_one)


@contextmanager
def _raise_refusals(where: str) -> Iterator[None]:
    """Raise what the system refuses as a sentence."""
    try:
        yield
    except BrokenPipeError as error:
        # Whoever reads has enough: nothing more can be written, at the end of the process either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise TransferError("Nobody reads on: the export is not whole.") from error
    except OSError as error:
        raise TransferError(
            f"{where} cannot be written: {error.strerror or error}. "
            "What was there before is untouched."
        ) from error


def _tell(report: dict[str, int], file: str, say: Callable[[str], None], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps({"file": file, **report}, ensure_ascii=False))
        return
    name = "standard output" if file == options.STANDARD else file
    lines = [f"{counted(report['contexts'], 'context')} exported to {name}."]
    if report.get("trash"):
        lines.append(
            f"{report['trash']:,} more came from the trash, and go there again at an import."
        )
    if report.get("revisions"):
        lines.append(f"{counted(report['revisions'], 'earlier text')} came along.")
    say("\n".join(lines))
