"""What is measured: starts and calls of both products in turn, and saves of the project alone."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import stores
from benchmarks.client import Server
from benchmarks.environments import Product
from benchmarks.report import Figure, Found

WARM_UP_ROUNDS = 3
SYNCS = 50
SAVES_PER_CHECKPOINT = 100
"""The project's storage copies its WAL once in so many commits of one server."""

Seconds = tuple[list[float], list[float]]
"""What was measured of the reference and of the project."""

_LOAD = {"project_id": stores.PROJECT}
_LOAD_BY_TAG = {"project_id": stores.PROJECT, "tags_filter": [stores.TAG]}


@dataclass(frozen=True, slots=True)
class Saves:
    """The seconds of each save, in order for each server, and of all together by the clock."""

    servers: tuple[tuple[float, ...], ...]
    elapsed: float


def starts(
    products: tuple[Product, Product], databases: tuple[Path, Path], *, rounds: int, bar: float
) -> list[Figure]:
    """Start both products in turn, each on its own, filled database."""
    initialized: Seconds = ([], [])
    listed: Seconds = ([], [])
    for number in range(-1, rounds):
        for index, product in enumerate(products):
            begun = time.perf_counter()
            with closing(Server(product, databases[index])) as server:
                server.initialize()
                handshake = time.perf_counter() - begun
                server.list_tools()
                tools = time.perf_counter() - begun
            if number >= 0:  # the first start compiles what was never compiled
                initialized[index].append(handshake)
                listed[index].append(tools)
    return [
        Figure("start to the answer of `initialize`", *initialized, bar),
        Figure("start to the answer of the first `tools/list`", *listed, bar),
    ]


def calls(
    servers: tuple[Server, Server], *, contexts: int, rounds: int, bar: float
) -> list[Figure]:
    """Make the same calls of both servers in turn."""
    notes = stores.made_up(f"saves to the store of {contexts}")
    measured: dict[str, Seconds] = {}
    for number in range(-WARM_UP_ROUNDS, rounds):
        for name, (tool, arguments) in _round(next(notes)).items():
            for index, server in enumerate(servers):
                seconds = server.call(tool, arguments).seconds
                if number >= 0:
                    measured.setdefault(name, ([], []))[index].append(seconds)
    return [
        Figure(f"{name}, {contexts:,} contexts", *seconds, bar)
        for name, seconds in measured.items()
    ]


def found(
    servers: tuple[Server, Server], reference_database: Path, *, contexts: int
) -> list[Found]:
    """Count how many of the contexts that a load has to answer stand in each answer's text."""
    rows = []
    for name, arguments, tag in (
        ("`load_contexts`", _LOAD, None),
        ("`load_contexts` by tag", _LOAD_BY_TAG, stores.TAG),
    ):
        truth = stores.true_newest(reference_database, tag=tag)
        reference, project = (
            sum(content in text for content in truth)
            for text in (server.call("load_contexts", arguments).text for server in servers)
        )
        metric = f"{name}, {contexts:,} contexts"
        rows.append(Found(metric=metric, expected=len(truth), reference=reference, project=project))
    return rows


def saves(product: Product, database: Path, *, servers: int, total: int) -> Saves:
    """Save so many contexts with as many servers at once on one file, each after one more."""
    notes = [stores.made_up(f"server {number} of {servers}") for number in range(servers)]
    share = [[_saved(note) for note in islice(each, total // servers + 1)] for each in notes]
    with ExitStack() as running, ThreadPoolExecutor(servers) as clients:
        started = [
            running.enter_context(closing(Server(product, database))) for _ in range(servers)
        ]

        def warm_up(server: Server, arguments: list[dict[str, Any]]) -> None:
            server.shake_hands()
            server.call("save_context", arguments.pop())

        def save(server: Server, arguments: list[dict[str, Any]]) -> tuple[float, ...]:
            return tuple(server.call("save_context", each).seconds for each in arguments)

        list(clients.map(warm_up, started, share))
        begun = time.perf_counter()
        measured = tuple(clients.map(save, started, share))
        return Saves(measured, time.perf_counter() - begun)


def sync(folder: Path) -> float:
    """Return the median seconds in which the disk says that a page is safe."""
    measured = []
    with (folder / "page").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            begun = time.perf_counter()
            os.fsync(file.fileno())
            measured.append(time.perf_counter() - begun)
    return median(measured)


def _round(note: stores.Note) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "`save_context`": ("save_context", _saved(note)),
        "`load_contexts`": ("load_contexts", _LOAD),
        "`load_contexts` by tag": ("load_contexts", _LOAD_BY_TAG),
        "`get_popular_tags`": ("get_popular_tags", {"project_id": stores.PROJECT}),
    }


def _saved(note: stores.Note) -> dict[str, Any]:
    return {
        "content": note.content,
        "importance_level": note.importance,
        "tags": list(note.tags),
        "project_id": stores.PROJECT,
    }
