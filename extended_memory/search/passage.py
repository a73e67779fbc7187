"""The passage of a long content that answers a query best."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from extended_memory.search.analyzer import terms

_PIECE = re.compile(r"\S{1,40}")  # a word, or some of a script without spaces
_LINE, _SENTENCE, _SPACE = (
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])\s|(?<=[。！？])"),  # noqa: RUF001  (of Chinese and Japanese)
    re.compile(r"\s"),
)
_JOINER = "\u200d"
_BEFORE_SHARE = 3  # of the room around the found words a third goes before them


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A piece of a content with wanted terms: from and to which character, and in bytes."""

    start: int
    end: int
    first_byte: int
    last_byte: int
    terms: frozenset[str]


def best_passage(content: str, query_terms: Collection[str], budget_bytes: int) -> tuple[str, bool]:
    """Return the part of a content with the most different terms, and whether any was left out.

    It is a piece of the content as it stands, at most that many bytes of UTF-8 long, and begins and
    ends between lines, sentences or words where it can, and never within a character. Of parts
    with as many different terms it is the one with them more often, then the first; of a content
    without any it is the beginning.
    """
    if len(content.encode()) <= budget_bytes:
        return content, False
    found = _found(content, frozenset(query_terms))
    start, end = _densest(found, budget_bytes) if found else (0, 0)
    return _widened(content, start, end, budget_bytes), True


def _found(content: str, wanted: frozenset[str]) -> list[_Found]:
    found = []
    place = byte = 0
    for match in _PIECE.finditer(content):
        matched = wanted & _terms_of(match.group())
        if matched:
            byte += len(content[place : match.start()].encode())
            place = match.start()
            last_byte = byte + len(match.group().encode())
            found.append(
                _Found(
                    start=place,
                    end=match.end(),
                    first_byte=byte,
                    last_byte=last_byte,
                    terms=matched,
                )
            )
    return found


@lru_cache(maxsize=20_000)  # most pieces are words that come again
def _terms_of(piece: str) -> frozenset[str]:
    return frozenset(terms(piece))


def _densest(found: list[_Found], budget: int) -> tuple[int, int]:
    """Return from and to which character the best stretch within the budget goes."""
    stretch, best = (found[0].start, found[0].end), (0, 0)
    counts: Counter[str] = Counter()
    first = 0
    for index, last in enumerate(found):
        counts.update(last.terms)
        while first < index and last.last_byte - found[first].first_byte > budget:
            counts -= Counter(found[first].terms)  # drops what it brings to zero
            first += 1
        value = len(counts), counts.total()
        if value > best:
            stretch, best = (found[first].start, last.end), value
    return stretch


def _widened(content: str, start: int, end: int, budget: int) -> str:
    """Return a stretch with as much around it as fits, cut where a reader would."""
    core = _head(content[start:end], budget)
    end = start + len(core)
    room = budget - len(core.encode())
    # What the end of the content leaves of the room goes to what is before.
    left_over = room - len(content[end : end + room].encode())
    share = max(room // _BEFORE_SHARE, left_over)
    before = _tail(content[max(0, start - share) : start], share)
    if len(before) < start:
        before = _from_boundary(before)
    after = _head(content[end : end + room], room - len(before.encode()))
    if end + len(after) < len(content):
        after = _to_boundary(after, content[end + len(after)])
    return before + core + after


def _head(text: str, size: int) -> str:
    return text[:size].encode()[:size].decode(errors="ignore")


def _tail(text: str, size: int) -> str:
    encoded = text.encode()
    return encoded[max(0, len(encoded) - size) :].decode(errors="ignore")


def _from_boundary(text: str) -> str:
    """Cut what a text begins with in the middle: of a line, else a sentence, else a word."""
    for boundary in (_LINE, _SENTENCE, _SPACE):
        match = boundary.search(text)
        if match and (match.end() <= len(text) // 2 or boundary is _SPACE):
            return text[match.end() :]
    first = next((at for at, character in enumerate(text) if not _continues(character)), 0)
    return text[first:]


def _to_boundary(text: str, following: str) -> str:
    """Cut what a text ends with in the middle, as ``_from_boundary`` does for its beginning."""
    for boundary in (_LINE, _SENTENCE, _SPACE):
        ends = [match.start() for match in boundary.finditer(text)]
        if ends and (ends[-1] >= len(text) // 2 or boundary is _SPACE):
            return text[: ends[-1]]
    last = len(text)
    while last and (_continues((text + following)[last]) or text[last - 1] == _JOINER):
        last -= 1
    return text[:last] or text


def _continues(character: str) -> bool:
    """Tell whether a character belongs to the one before it: an accent, a joiner, a skin tone."""
    return (
        character == _JOINER
        or unicodedata.category(character).startswith("M")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
