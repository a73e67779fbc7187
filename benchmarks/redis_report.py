"""The tables of the Redis benchmark, and whether its bars are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean, median

from benchmarks.redis_side import Measured
from benchmarks.report import table

SERVER_BAR_SECONDS = 0.001
FASTER_BAR = 3.0
GROWTH_BAR = 2.0
NOISE_SECONDS = 0.000_05
"""What the growth bar leaves out of account: tens of microseconds are no growth."""


@dataclass(frozen=True, slots=True)
class Row:
    """One operation at one size of both products."""

    operation: str
    reference: Measured
    project: Measured
    patience: float

    @property
    def faster(self) -> float | None:
        """How many times faster the project is, where the reference answered in time."""
        if self.reference.late or self.project.late:
            return None
        return median(self.reference.seconds) / median(self.project.seconds)

    @property
    def missed(self) -> list[str]:
        """The bars that are missed."""
        if not self.project.right:
            return ["answers"]
        missed = []
        if median(self.project.server) >= SERVER_BAR_SECONDS:
            missed.append("server")
        if self.reference.right and self.faster is not None and self.faster < FASTER_BAR:
            missed.append("faster")
        return missed


def calls(rows: Sequence[Row]) -> str:
    """Return the table of one size."""
    head = (
        "operation",
        "reference ms",
        "project ms",
        "times faster",
        "reference at server ms",
        "project at server ms",
        "true",
        "reference",
        "project",
        "",
    )
    return table(
        head,
        [
            (
                row.operation,
                _seconds(row.reference, row.patience),
                _seconds(row.project, row.patience),
                _times(row.faster),
                _milliseconds(row.reference.server),
                _milliseconds(row.project.server),
                str(row.project.expected),
                _found(row.reference),
                _found(row.project),
                ", ".join(row.missed) or "ok",
            )
            for row in rows
        ],
    )


def growth(sizes: Mapping[int, Sequence[Row]]) -> tuple[str, bool]:
    """Return the table of the project's times at the server, and whether none grows too much."""
    shown, kept = [], True
    smallest, largest = min(sizes), max(sizes)
    for number, row in enumerate(sizes[smallest]):
        at = {size: rows[number].project.server for size, rows in sizes.items()}
        # A call that never ended in time has no median.
        first, last = (median(at[size] or [inf]) for size in (smallest, largest))
        flat = last < inf and last <= GROWTH_BAR * first + NOISE_SECONDS
        kept = kept and flat
        cells = [_milliseconds(at[size]) for size in sorted(sizes)]
        shown.append((row.operation, *cells, f"{last / first:.2f}", "ok" if flat else "growth"))
    head = ("project at server ms", *(f"{size:,}" for size in sorted(sizes)), "growth", "")
    return table(head, shown), kept


def memory(sizes: Mapping[int, tuple[float, float]]) -> str:
    """Return the table of the bytes of one context."""
    return table(
        ("bytes of a context", "reference", "project"),
        [
            (f"{size:,} contexts", *(f"{each:,.0f}" for each in both))
            for size, both in sizes.items()
        ],
    )


def _times(faster: float | None) -> str:
    if faster is None:
        return "-"
    return f"{faster:,.0f}" if faster >= 100 else f"{faster:.1f}"


def _seconds(measured: Measured, patience: float) -> str:
    return f"over {patience:g} s" if measured.late else _milliseconds(measured.seconds)


def _milliseconds(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    value = median(seconds) * 1000
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"


def _found(measured: Measured) -> str:
    if not measured.found:
        return "-"
    return f"{fmean(measured.found):.1f}".removesuffix(".0")
