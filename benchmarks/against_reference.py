"""Measure this checkout against the published 0.9.0, interleaved: one command, one table.

``python3 benchmarks/against_reference.py`` does everything by itself; README.md beside this file
says what is measured and how to read it.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path

from benchmarks import environments, measuring, report, stores
from benchmarks.client import Server
from benchmarks.environments import Product

START_BAR = 7.0
CALL_BAR = 1.0
LARGE_STORE = 100_000
LARGE_STORE_CALL_BAR = 0.5

STARTS = 21
SAVES = 2_000
SERVERS_AT_ONCE = 8


def main() -> None:
    """Measure, print the tables, and with ``--check`` fail where a bar is missed."""
    options = _options()
    rounds = options.rounds or (20 if options.quick else 100)
    sizes = options.contexts or ([1_000] if options.quick else [1_000, LARGE_STORE])
    figures: list[report.Figure] = []
    found: list[report.Found] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve()
        _say("installing where no environment is given")
        products = (
            environments.reference(options.reference_python, folder),
            environments.project(options.project_python, folder),
        )
        for product in products:
            print(f"{product.name}: {product.versions()}")
        sync = measuring.sync(folder) * 1000
        print(f"cores: {os.cpu_count()}; the disk answers a sync in {sync:.2f} ms", end="\n\n")
        for size in sizes:
            databases = _stores(products, folder / str(size), size, options.bulk)
            if size == sizes[0]:
                _say("starts")
                figures += measuring.starts(
                    products, databases, rounds=5 if options.quick else STARTS, bar=START_BAR
                )
            _say(f"calls at {size:,} contexts")
            with (
                closing(Server(products[0], databases[0])) as reference,
                closing(Server(products[1], databases[1])) as project,
            ):
                reference.shake_hands()
                project.shake_hands()
                bar = LARGE_STORE_CALL_BAR if size >= LARGE_STORE else CALL_BAR
                figures += measuring.calls(
                    (reference, project), contexts=size, rounds=rounds, bar=bar
                )
                found += measuring.found((reference, project), databases[0], contexts=size)
            _require_equal_counts(databases)
        print()
        print(report.figures(figures), report.answers(found), sep="\n\n", end="\n\n")
        _checkpoints(products[1], databases[1], total=400 if options.quick else SAVES)
    if options.check and not (all(row.kept for row in figures) and all(row.kept for row in found)):
        sys.exit(1)


def _stores(
    products: tuple[Product, Product], folder: Path, size: int, bulk: int
) -> tuple[Path, Path]:
    """Fill one file for each product."""
    databases = folder / "reference" / "memory.db", folder / "project" / "memory.db"
    for database in databases:
        database.parent.mkdir(parents=True)
    _say(f"filling the stores with {size:,} contexts")
    stores.fill_reference(products[0], databases[0], size, bulk=bulk)
    adopted, indexed = stores.adopt(products[1], *databases)
    _require_equal_counts(databases)
    print(
        f"start, backup and adoption of the 0.9.0 file of {size:,} contexts: {adopted:.1f} s; "
        f"indexed for the search after {indexed:.1f} s"
    )
    return databases


def _require_equal_counts(databases: Sequence[Path]) -> None:
    counts = [stores.count(database) for database in databases]
    if len(set(counts)) != 1:
        sys.exit(f"The stores hold different numbers of contexts: {counts}")


def _checkpoints(product: Product, database: Path, *, total: int) -> None:
    """Measure what copying the WAL costs, and that no save is lost with many servers."""
    print("## What a checkpoint costs (the project alone, on its largest store)", end="\n\n")
    rows = []
    for servers in (1, SERVERS_AT_ONCE):
        _say(f"{total:,} saves of {servers} server{'s' if servers > 1 else ''}")
        before = stores.count(database)
        measured = measuring.saves(product, database, servers=servers, total=total)
        kept, sent = stores.count(database) - before, total + servers  # each warms up with one
        if kept != sent:
            sys.exit(f"{sent} contexts were saved by {servers} servers, and {kept} are stored.")
        name = "one server" if servers == 1 else f"{servers} servers on one file"
        rows.append((name, measured.servers, measured.elapsed))
    print(report.saves(rows, measuring.SAVES_PER_CHECKPOINT))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--reference-python", type=Path, metavar="PATH", help="of an environment with 0.9.0"
    )
    parser.add_argument(
        "--project-python", type=Path, metavar="PATH", help="of an environment with this checkout"
    )
    parser.add_argument(
        "--contexts", type=_sizes, metavar="N,N", help="sizes of the stores (1000,100000)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of calls (100)")
    parser.add_argument(
        "--bulk", type=int, metavar="N", default=10_000, help="rows a chunk when filling (10000)"
    )
    parser.add_argument("--quick", action="store_true", help="few rounds at 1000 contexts")
    parser.add_argument("--check", action="store_true", help="exit 1 if a bar is missed")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def _say(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
