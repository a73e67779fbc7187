"""One word, identifier, version or path as terms, so that its usual spellings share one.

``get_user_by_id`` and ``getUserById``, ``UTF-8`` and ``utf8``, ``v1.2.3`` and ``1.2.3`` are the
same thing to the person who looks for it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from extended_memory.search.folding import fold
from extended_memory.search.stems import LONGEST, stem
from extended_memory.search.writing_systems import APOSTROPHE, GLUE

_CACHED_WORDS = 16_384  # some 6 MB when full

_SIGNS = re.compile(r"[+#]+$")
_DOT = re.compile(r"\.")
_GLUE = re.compile(f"[{GLUE}]")
_GLUE_BUT_DOTS = re.compile(f"[{GLUE.replace('.', '')}]")
_DOTTED_NUMBER = re.compile(r"([^\W\d_]*)(\d+(?:\.\d+)+)(.*)")
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:.*")
_DAY_FIRST = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})")
_ENGLISH_ENDINGS = {"s", "t", "re", "ve", "ll", "d", "m"}


def word_terms(word: str, *, whole: bool) -> tuple[str, ...]:
    """Return the terms of one chunk of the kind "word", in order.

    Those of a text are the ``whole`` ones; a query leaves the single numbers of a version out,
    which would find any 3 for a 1.2.3.
    """
    if len(word) > LONGEST:
        return _terms(word, whole)
    return _cached_terms(word, whole)


def _terms(word: str, whole: bool) -> tuple[str, ...]:
    if word.isalpha() and word[1:].islower():
        return (stem(fold(word)),)  # most words: what the rest comes to, sooner
    bare = _SIGNS.sub("", word)
    terms = [fold(word)[-LONGEST:]] if bare != word else []
    *pieces, last = bare.split(APOSTROPHE)
    if not pieces or last.casefold() not in _ENGLISH_ENDINGS:
        pieces.append(last)
    for piece in pieces:
        terms += _piece_terms(piece, whole=whole)
    return tuple(terms)


_cached_terms = lru_cache(_CACHED_WORDS)(_terms)


def _piece_terms(piece: str, *, whole: bool) -> list[str]:
    """Return the terms of what stands between apostrophes."""
    segments = _GLUE_BUT_DOTS.split(piece)
    terms = [term for segment in segments for term in _segment_terms(segment, whole=whole)]
    terms += _dates(piece)
    if len(segments) == 1 and (len(terms) == 1 or _is_version(piece)):
        return terms
    joined = [_GLUE.sub("", piece)]
    if "/" in piece:
        joined.append(_GLUE.sub("", piece.rpartition("/")[2]))
    return terms + _new((fold(name) for name in joined), terms)


def _dates(piece: str) -> list[str]:
    """Return the date of a timestamp or of 07.05.2024 as 2024-05-07 and the time of saving have it.

    Source of the forms: ISO 8601, and the custom of the countries that write dates with dots.
    """
    if timestamp := _TIMESTAMP.fullmatch(piece):
        return ["".join(timestamp.groups())]
    if date := _DAY_FIRST.fullmatch(piece):
        day, month, year = date.groups()
        return [f"{year}{month:0>2}{day:0>2}"]
    return []


def _segment_terms(segment: str, *, whole: bool) -> list[str]:
    """Return the terms of what stands between glue other than dots: a version is one thing."""
    version = _DOTTED_NUMBER.fullmatch(segment)
    if version is None:
        return [term for part in segment.split(".") for term in _part_terms(part)]
    before, number, after = version.groups()
    terms = [] if before in {"", "v", "V"} else _part_terms(before)
    ends = [dot.start() for dot in _DOT.finditer(number[: LONGEST + 1])][1:]
    terms += [number[:end] for end in [*ends, min(len(number), LONGEST)]]
    for part in filter(None, after.split(".")):
        terms += _part_terms(part)
    if whole:
        parts = dict.fromkeys(
            term for part in (number + after).split(".") for term in _part_terms(part)
        )
        known = set(terms)
        terms += [term for term in parts if term not in known]
    return terms


def _part_terms(part: str) -> list[str]:
    """Return the terms of what no glue divides: the words in it, then the whole."""
    pieces = [piece for hump in _humps(part) for piece in _letters_and_digits(hump)]
    terms = [stem(folded) for piece in pieces if (folded := fold(piece))]
    return terms if len(pieces) == 1 else terms + _new([fold(part)], terms)


def _new(names: Iterable[str], terms: list[str]) -> list[str]:
    """Return the terms of whole names, each once, and none that is too long or there already."""
    stems = dict.fromkeys(stem(name) for name in names if 0 < len(name) <= LONGEST)
    return [term for term in stems if term not in terms]


def _is_version(piece: str) -> bool:
    """Tell whether a piece is nothing but a dotted number, perhaps with a v before it."""
    version = _DOTTED_NUMBER.fullmatch(piece)
    return version is not None and version[1] in {"", "v", "V"} and not version[3]


def _humps(part: str) -> list[str]:
    """Divide camelCase and HTTPServer; APIs and IDs are plain words."""
    if part.islower() or part[1:].islower() or part.isupper():
        return [part]
    starts = [0]
    for place in range(1, len(part)):
        before, after = part[place - 1], part[place + 1 : place + 2]
        is_plural = after == "s" and place + 2 == len(part)
        if part[place].isupper() and (
            before.islower() or (before.isupper() and after.islower() and not is_plural)
        ):
            starts.append(place)
    return [part[start:end] for start, end in zip(starts, [*starts[1:], len(part)], strict=True)]


def _letters_and_digits(hump: str) -> list[str]:
    """Divide utf8 and E0308 at their one boundary; a1b2c3 has many, and is one word."""
    places = [
        place for place in range(1, len(hump)) if hump[place].isdigit() != hump[place - 1].isdigit()
    ]
    return [hump[: places[0]], hump[places[0] :]] if len(places) == 1 else [hump]
