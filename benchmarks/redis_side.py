"""A product with a Redis server of its own: its calls, what they took, how many were answered."""

import json
import select
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.environments import Product, isolated
from benchmarks.redis_server import RedisServer

SLOW_SECONDS = 1.0
"""What takes longer is measured from the first call on: warming up would not show."""

SLOW_IN_A_ROW_SECONDS = 0.1
"""What takes longer is called once a round, not in a row."""

BUDGET_SECONDS = 20.0
"""A product that has spent longer on one operation is not asked for it again."""

END_SECONDS = 30

_WORKER = Path(__file__).with_name("redis_worker.py")


class WorkerError(Exception):
    """A product's process ended, or refused to go on."""


class OutOfPatienceError(Exception):
    """A product did not answer in the time that it was given."""


@dataclass(slots=True)
class Measured:
    """What a product's calls of one operation took, and how many of the true answers it gave."""

    seconds: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    """Seconds that the server's commands of a call took, the mean of each series."""
    found: list[int] = field(default_factory=list)
    expected: int = 0
    spent: float = 0.0
    late: bool = False
    """Whether a call did not end in time."""

    @property
    def right(self) -> bool:
        """Whether each answer held all that it had to."""
        return bool(self.found) and not self.late and min(self.found) == self.expected


@dataclass(frozen=True, slots=True)
class Series:
    """Calls of one operation, what it is called in the tables, and how many answers are true."""

    name: str
    operation: str
    arguments: list[dict[str, Any]]
    expected: int
    count: Callable[[Any], int]
    changes: bool = False
    """Whether the calls change the store, so that each product has to make all of them."""


class Side:
    """A product with a server of its own, and what was measured of both; ``close`` ends them."""

    def __init__(self, product: Product, binary: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._product, self._home = product, folder
        self.server = RedisServer(binary, folder)
        self.measured: dict[str, Measured] = {}
        try:
            self._start()
            self.send("require_true_to_life", None)
            self.receive()
            self.empty = self.server.memory()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the product's process and the server."""
        try:
            self._end()
        finally:
            self.server.close()

    def send(self, operation: str, arguments: Any) -> None:
        """Begin a call."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([operation, arguments]).encode() + b"\n")
        self._process.stdin.flush()

    def receive(self, patience: float | None = None) -> Any:
        """Wait for the answer of the call that was begun."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience)[0]:
            raise OutOfPatienceError
        line = self._process.stdout.readline()
        if not line:
            said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise WorkerError(f"The process of the {self._product.name} ended:\n{said}")
        return json.loads(line)

    def measure(self, series: Series, *, patience: float, warming: bool) -> None:
        """Make the calls and note what they took, or fewer where they are slow."""
        measured = self.measured.setdefault(series.name, Measured())
        arguments = series.arguments
        if not series.changes:
            if measured.late or measured.spent > BUDGET_SECONDS:
                return
            if warming or max(measured.seconds, default=0) > SLOW_IN_A_ROW_SECONDS:
                arguments = arguments[:1]
        before = self.server.spent()
        self.send(series.operation, arguments)
        try:
            answers = self.receive(patience)
        except OutOfPatienceError:
            measured.late = True
            self._process.kill()
            self._end()
            self._start()
            return
        server = (self.server.spent() - before) / 1_000_000 / len(answers)
        seconds = [each for each, _ in answers]
        measured.spent += sum(seconds)
        measured.found += [series.count(answer) for _, answer in answers]
        measured.expected = series.expected
        if not warming or max(seconds) > SLOW_SECONDS:
            measured.seconds += seconds
            measured.server.append(server)

    def _start(self) -> None:
        self._log = self._home / "worker.stderr"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._product.python, _WORKER, self._product.name, str(self.server.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=isolated(self._home),
                cwd=self._home,
            )

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
