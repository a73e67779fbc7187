"""Figures as Markdown tables, and whether they keep their bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Figure:
    """The seconds that both products took for one thing, and the ratio that is allowed."""

    metric: str
    reference: Sequence[float]
    project: Sequence[float]
    bar: float

    @property
    def ratio(self) -> float:
        """The project's median over the reference's."""
        return median(self.project) / median(self.reference)

    @property
    def kept(self) -> bool:
        """Whether the ratio is within the bar."""
        return self.ratio <= self.bar


@dataclass(frozen=True, slots=True)
class Found:
    """How many of the contexts that an answer has to hold are in it."""

    metric: str
    expected: int
    reference: int
    project: int

    @property
    def kept(self) -> bool:
        """Whether the project's answer holds all of them."""
        return self.project == self.expected


def figures(rows: Sequence[Figure]) -> str:
    """Return the table of ratios."""
    return table(
        ("metric", "reference ms", "project ms", "ratio", "bar", ""),
        [
            (
                row.metric,
                _milliseconds(median(row.reference)),
                _milliseconds(median(row.project)),
                f"{row.ratio:.2f}",
                f"{row.bar:g}",
                _verdict(row.kept),
            )
            for row in rows
        ],
    )


def answers(rows: Sequence[Found]) -> str:
    """Return the table of what the answers hold."""
    return table(
        ("the newest that match", "there are", "reference", "project", ""),
        [
            (
                row.metric,
                str(row.expected),
                str(row.reference),
                str(row.project),
                _verdict(row.kept),
            )
            for row in rows
        ],
    )


def saves(rows: Sequence[tuple[str, Sequence[Sequence[float]], float]], hundred: int) -> str:
    """Return the table of saves: who saved, the seconds of each server's saves, and of all.

    ``hundred``: the saves of one server in which it copies the WAL once.
    """
    shown = []
    for name, servers, elapsed in rows:
        every = [seconds for server in servers for seconds in server]
        slowest = [
            max(server[begin : begin + hundred])
            for server in servers
            for begin in range(0, len(server) - hundred + 1, hundred)
        ]
        shown.append(
            (
                name,
                str(len(every)),
                _milliseconds(median(every)),
                _milliseconds(quantiles(every, n=100)[98]),
                _milliseconds(median(slowest)) if slowest else "-",
                _milliseconds(max(every)),
                f"{len(every) / elapsed:.0f}",
            )
        )
    head = ("who", "saves", "p50 ms", "p99 ms", f"slowest of {hundred} ms", "max ms", "saves/s")
    return table(head, shown)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"


def _verdict(kept: bool) -> str:
    return "ok" if kept else "over"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * (width - 1) + ":" for width in widths], *rows]
    lines[1] = ["-" * widths[0], *list(lines[1])[1:]]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )
