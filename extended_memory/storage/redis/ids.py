"""The ids of contexts, which are the whole store's: one is reserved before it is used."""

from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import IDS_PER_HASH, LAYOUT
from extended_memory.version import __version__


def reserve(store: Store, project: str, origin: str = "") -> tuple[str, int]:
    """Give a new id, or the one of an origin; see ``scripts/reserve.lua``."""
    while True:
        outcome, number = store.run(
            "reserve",
            [*store.keys.of_ids(store.hints.bucket), store.keys.origins],
            [store.hints.bucket, IDS_PER_HASH, project, origin, LAYOUT, __version__],
        )
        if outcome != "elsewhere":
            return outcome, int(number)
        store.hints.bucket = int(number)
