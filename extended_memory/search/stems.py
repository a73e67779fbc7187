"""Which forms of a word count as one: the Snowball stemmer of the script it is written in.

Sources: M. F. Porter, "Snowball: a language for stemming algorithms" (2001), and the algorithms
of https://snowballstem.org. The version of the library is part of what an index was written with:
a release that stems differently asks for a new ``analyzer.VERSION``.
"""

import re
from collections.abc import Callable
from functools import cache

LONGEST = 64
"""Characters of a term; what is longer is cut, in a text and in a query alike."""

_SCRIPTS = re.compile(
    r"(?P<english>[a-z\u00df-\u024f]{3,})"
    r"|(?P<russian>[\u0430-\u052f]{3,})"
    r"|(?P<greek>[\u03ac-\u03ff]{3,})"
    r"|(?P<arabic>[\u0620-\u064a\u066e-\u06d3]{3,})"
    r"|(?P<hindi>[\u0900-\u0963\u0971-\u097f]{3,})"
)


def stem(folded: str) -> str:
    """Return the term of one folded word or part of a word: its stem, or itself.

    Only words of three letters or more have a stem, and only those all in one script.
    """
    word = folded[:LONGEST]
    script = _SCRIPTS.fullmatch(word)
    if script is None or script.lastgroup is None:
        return word
    return _stemmers()[script.lastgroup](word) or word


@cache
def _stemmers() -> dict[str, Callable[[str], str]]:
    # Here, because a server that searches nothing need not load them; and by class, because
    # snowballstemmer.stemmer() hands the work to PyStemmer, of whatever version, where it finds it.
    from snowballstemmer.arabic_stemmer import ArabicStemmer  # type: ignore[import-untyped]
    from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[import-untyped]
    from snowballstemmer.greek_stemmer import GreekStemmer  # type: ignore[import-untyped]
    from snowballstemmer.hindi_stemmer import HindiStemmer  # type: ignore[import-untyped]
    from snowballstemmer.russian_stemmer import RussianStemmer  # type: ignore[import-untyped]

    # A stemmer keeps the word it works on in itself: for the sake of threads each call has its own.
    return {
        "english": lambda word: str(EnglishStemmer().stemWord(word)),
        "russian": lambda word: str(RussianStemmer().stemWord(word)),
        "greek": lambda word: str(GreekStemmer().stemWord(word)),
        "arabic": lambda word: str(ArabicStemmer().stemWord(word)),
        "hindi": lambda word: str(HindiStemmer().stemWord(word)),
    }
