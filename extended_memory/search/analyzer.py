"""A text, a query, tags and a date as terms: what is indexed and what is looked up.

A term is a string of letters, digits, marks, emoji and ``. + #``, at most 64 characters long and
never empty. A query is only ever cut into terms, so none of it is syntax to anything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from extended_memory.search.folding import fold, normalise
from extended_memory.search.stop_words import STOP_WORDS
from extended_memory.search.words import word_terms
from extended_memory.search.writing_systems import CHUNK, ENDS_IN_CHARACTER, GRAM_LENGTH

VERSION = 1
"""Of the terms: a store that was indexed by another version has to be indexed again.

It changes with every change of what ``terms``, ``tag_terms`` or ``date_terms`` return for any
text, be the cause here or in the stemmer's library.
"""

_MONTHS = (
    ("january", "январь"),
    ("february", "февраль"),
    ("march", "март"),
    ("april", "апрель"),
    ("may", "май"),
    ("june", "июнь"),
    ("july", "июль"),
    ("august", "август"),
    ("september", "сентябрь"),
    ("october", "октябрь"),
    ("november", "ноябрь"),
    ("december", "декабрь"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryWord:
    """A word of a query: as it was written, in NFKC, and its terms; of a run, overlapping ones."""

    written: str
    terms: tuple[str, ...]
    is_run: bool


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, with repetition."""
    return [term for kind, chunk in _chunks(text) for term in _chunk_terms(kind, chunk, whole=True)]


def query_words(text: str) -> tuple[QueryWord, ...]:
    """Return the words of a query, without stop words unless there are no others."""
    words = [
        QueryWord(
            written=chunk,
            terms=tuple(_chunk_terms(kind, chunk, whole=False)),
            is_run=kind in GRAM_LENGTH,
        )
        for kind, chunk in _chunks(text)
    ]
    telling = [word for word in words if fold(word.written) not in STOP_WORDS]
    return tuple(telling or words)


def query_terms(text: str) -> tuple[str, ...]:
    """Return the terms of a query, each once, in the order they are asked for."""
    return tuple(dict.fromkeys(term for word in query_words(text) for term in word.terms))


def tag_terms(tags: Iterable[str]) -> set[str]:
    """Return the terms that tags are found by."""
    return {term for tag in tags for term in terms(tag)}


def date_terms(moment: datetime) -> set[str]:
    """Return the terms that a time is found by: 2023, 20230508, may, май; in its own zone."""
    english, russian = _MONTHS[moment.month - 1]
    return {
        f"{moment.year:04}",
        f"{moment.year:04}{moment.month:02}{moment.day:02}",
        *terms(english),
        *terms(russian),
    }


def spelling(text: str, term: str) -> str | None:
    """Return how a text writes the first word with this term, or None where it has no such word.

    Of a script without spaces between words that is the term itself.
    """
    for kind, chunk in _chunks(text):
        if term in _chunk_terms(kind, chunk, whole=True):
            return term if kind in GRAM_LENGTH else chunk
    return None


def _chunks(text: str) -> Iterator[tuple[str, str]]:
    for match in CHUNK.finditer(normalise(text)):
        assert match.lastgroup is not None
        yield match.lastgroup, match.group()


def _chunk_terms(kind: str, chunk: str, *, whole: bool) -> tuple[str, ...] | list[str]:
    if kind == "word":
        return word_terms(chunk, whole=whole)
    length = GRAM_LENGTH.get(kind)
    if length is None or len(chunk) < length:
        return (chunk,)
    grams = [chunk[start : start + length] for start in range(len(chunk) - length + 1)]
    if whole and kind in ENDS_IN_CHARACTER:
        grams.append(chunk[-1])
    return grams
