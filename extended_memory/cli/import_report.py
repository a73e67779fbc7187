"""The report of an import, in words and in JSON."""

from collections.abc import Sequence
from typing import Any

from extended_memory.cli import console
from extended_memory.counts import counted
from extended_memory.domain import MAXIMUM_CONTENT_BYTES
from extended_memory.transfer.duplicates import Place
from extended_memory.transfer.formats.item import TransferError
from extended_memory.transfer.importer import Source, Tally

_ELSEWHERE: dict[Place, str] = {
    "in_trash": "left in the trash",
    "moved": "left in the project they moved to",
    "forgotten": "left out, forgotten for good",
}


def tell(tallies: Sequence[tuple[Source, Tally]], *, dry_run: bool, as_json: bool) -> None:
    """Tell what was imported, and then what could not be read.

    Raises:
        TransferError: something could not be read.
    """
    if as_json:
        console.show_json(
            {
                "dry_run": dry_run,
                "found": sum(tally.found for _, tally in tallies),
                "imported": sum(tally.new for _, tally in tallies),
                "sources": [_values(source, tally) for source, tally in tallies],
            }
        )
    else:
        for source, tally in tallies:
            console.say("\n".join(_lines(source, tally, dry_run=dry_run)))
    for source, tally in tallies:
        for one in tally.damaged:
            console.note(f"{source.name}, {one.place}: {one.why}.")
    count = sum(tally.damaged_count for _, tally in tallies)
    if count:
        rest = "would be imported" if dry_run else "was imported"
        raise TransferError(f"{count:,} could not be read; the rest {rest}.")


def _values(source: Source, tally: Tally) -> dict[str, Any]:
    return {
        "source": source.name,
        "format": source.opened.form.name,
        "found": tally.found,
        "imported": tally.new,
        "there_before": tally.found - tally.new,
        "in_trash": tally.places["in_trash"],
        "moved": tally.places["moved"],
        "forgotten": tally.places["forgotten"],
        "unreadable": tally.damaged_count,
        "unreadable_places": [{"place": one.place, "why": one.why} for one in tally.damaged],
        "left_out": dict(tally.left_out),
        "lost_tags": tally.lost_tags,
        "undated": tally.undated,
        "split": tally.split,
    }


def _lines(source: Source, tally: Tally, *, dry_run: bool) -> list[str]:
    done = "would be imported" if dry_run else "imported"
    lines = [
        f"{tally.new:,} of {tally.found:,} contexts {done} from {source.name}, "
        f"{source.opened.form.title}."
    ]
    elsewhere = {place: tally.places[place] for place in _ELSEWHERE if tally.places[place]}
    if there := tally.found - tally.new - sum(elsewhere.values()):
        lines.append(f"{there:,} {'are there already' if dry_run else 'were there before'}.")
    lines += [f"{count:,} {_ELSEWHERE[place]}." for place, count in elsewhere.items()]
    if tally.split:
        texts = counted(tally.split, "text")
        lines.append(f"{texts} of more than {MAXIMUM_CONTENT_BYTES:,} bytes: cut into contexts.")
    if tally.lost_tags:
        lines.append(f"{counted(tally.lost_tags, 'tag')} left out: too long, or too many of one.")
    if tally.undated:
        lines.append(f"{tally.undated:,} got the time of this import: their own cannot be read.")
    return lines + [f"{count:,} left out: {kind}." for kind, count in tally.left_out.items()]
