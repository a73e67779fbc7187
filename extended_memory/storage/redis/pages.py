"""Which contexts a selection means: the ids of one page of them, and how many there are."""

from extended_memory.domain import Selection, TimeSpan, to_milliseconds
from extended_memory.storage.contract import MAXIMUM_COUNTED
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import id_of

_AT_A_TIME = 1_000
"""How many contexts a script walks over before others get a turn."""


def page(
    store: Store, project: str, selection: Selection, *, limit: int, offset: int
) -> tuple[list[int], int, bool]:
    """Return the ids of one page, newest first, how many match, and whether that is exact."""
    keys = lists(store, project, selection)
    found: list[str] = []
    walked, last = 0, ("", "")
    while True:
        wanted = min(offset + limit - walked, _AT_A_TIME)
        asked = [wanted, MAXIMUM_COUNTED, *bounds(selection.span), *last]
        total, is_exact, *flat = store.run("page", keys, [selection.minimum_importance, *asked])
        members = flat[::2]
        found += members[max(offset - walked, 0) :]
        walked += len(members)
        if len(members) < wanted or walked == offset + limit or (is_exact and offset >= total):
            return [id_of(name) for name in found], total, bool(is_exact)
        last = (flat[-1], flat[-2])


def lists(store: Store, project: str, selection: Selection) -> list[str]:
    """Return the keys of the lists that hold what is selected: of the tags, or of the project."""
    if selection.tags:
        return store.keys.tagged(project, selection.tags)
    return [store.keys.contexts(project)]


def bounds(span: TimeSpan) -> tuple[int | str, int | str]:
    """Return the first and the last millisecond of a span as scripts take them, "" for none."""
    return (
        "" if span.since is None else to_milliseconds(span.since),
        "" if span.until is None else to_milliseconds(span.until) - 1,
    )
