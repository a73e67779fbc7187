"""Upkeep of a store in the background: it is opened, its trash emptied, its index completed."""

import logging
import threading
import time
from contextlib import suppress

from extended_memory.errors import (
    StoreError,
)
from extended_memory.store_service import StoreService

WARM_UP_SECONDS = 0.5
"""The store opens this long after the start: a client has its handshake and tools by then."""

PURGE_SECONDS = 24 * 60 * 60
"""How often the trash is looked through, besides at the start."""

INDEXED_AT_A_TIME = 20
"""How many contexts a save may have to wait for: about ten milliseconds."""

PAUSE_SECONDS = 0.01
"""Between two steps: time for those who wait."""

SAID_SECONDS = 5.0

logger = logging.getLogger(__name__)


def start(store: StoreService, ending: threading.Event) -> None:
    """Begin, in a thread of its own, which goes on until ``ending`` is set."""

    def run() -> None:
        pause = WARM_UP_SECONDS
        while not ending.wait(pause):
            # A fault is in the log, and a call that meets it will say it.
            with suppress(StoreError):
                store.prepare()
                if not store.scope.read_only:
                    store.purge()
                    _index_all(store, ending)
            logger.debug("Upkeep is over for today.")
            pause = PURGE_SECONDS

    threading.Thread(target=run, name="upkeep", daemon=True).start()


def _index_all(store: StoreService, ending: threading.Event) -> None:
    """Index what no search finds yet, in small steps, and say how far it is."""
    said = time.monotonic()
    left = started_with = store.index_newest(INDEXED_AT_A_TIME)
    while left and not ending.wait(PAUSE_SECONDS):
        if time.monotonic() - said > SAID_SECONDS or left == started_with:
            said = time.monotonic()
            logger.info("Indexing for the search: %s contexts are left.", f"{left:,}")
        left = store.index_newest(INDEXED_AT_A_TIME)
    if started_with and not left:
        logger.info("Indexing for the search is done.")
