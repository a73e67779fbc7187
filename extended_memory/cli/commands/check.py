"""``check``: finds flaws of the store, and repairs those that can be."""

from collections.abc import Sequence

from extended_memory.cli import console, environment, options
from extended_memory.cli.progress import shown_steps
from extended_memory.errors import ExtendedMemoryError
from extended_memory.flaws import Finding
from extended_memory.store_service import StoreService

_INDEXED_AT_ONCE = 100


class ChecksFailedError(ExtendedMemoryError):
    """A check found something: the command ends with 1."""


def check(
    *,
    repair: options.Switch = False,
    as_json: options.Json = False,
) -> None:
    """Look whether all that is stored fits together: the file, counts, tags, trash, search.

    Servers may go on meanwhile. The exit code is 0 where all is well and 1 where it is not.

    Parameters
    ----------
    repair
        Rebuild what the contexts themselves say: counts, tags, the search index. No context, no
        earlier text and nothing in the trash is changed or removed.
    """
    with environment.opened_store(missing="empty") as store:
        store.prepare()  # what the log has to say of the store comes before the bar
        found = _checked(store)
        left = found
        if repair and any(finding.flaw.can_be_rebuilt for finding in found):
            store.repair(found)
            _index(store)
            left = _checked(store)
    repaired = [finding for finding in found if finding not in left]
    if as_json:
        console.show_json({"flaws": _values(left), "repaired": _values(repaired)})
    else:
        for finding in repaired:
            console.say(f"Repaired in {_sentence(finding)}")
        for finding in left:
            console.say(f"Wrong in {_sentence(finding)}")
        if not left and not environment.is_store_missing():
            console.say("All that is stored fits together.")
    if left:
        raise ChecksFailedError(_remedy(left, is_repaired=repair))


def _checked(store: StoreService) -> tuple[Finding, ...]:
    with shown_steps("Looking") as tell:
        return store.check(tell)


def _index(store: StoreService) -> None:
    """Index every context, where the search index was given up to be made anew."""
    with shown_steps("Looking") as tell:
        left = total = store.index_newest(_INDEXED_AT_ONCE)
        while left:
            tell("indexing", total - left, total)
            left = store.index_newest(_INDEXED_AT_ONCE)


def _sentence(finding: Finding) -> str:
    return f"{finding.flaw.part}: {finding.flaw.words} ({finding.count:,})."


def _remedy(left: Sequence[Finding], *, is_repaired: bool) -> str:
    if not is_repaired and any(finding.flaw.can_be_rebuilt for finding in left):
        return "run `extended-memory-mcp check --repair` to rebuild what can be."
    return (
        "what is left cannot be rebuilt: take a backup from before (`extended-memory-mcp backups` "
        "lists those beside the file), or export what there is into a new store."
    )


def _values(found: Sequence[Finding]) -> list[dict[str, object]]:
    return [
        {
            "code": finding.flaw.code,
            "part": finding.flaw.part,
            "flaw": finding.flaw.words,
            "count": finding.count,
            "can_be_rebuilt": finding.flaw.can_be_rebuilt,
        }
        for finding in found
    ]
