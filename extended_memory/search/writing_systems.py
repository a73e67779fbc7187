"""Which characters make up a chunk of text, told apart by script.

A chunk is a word of letters and digits, perhaps glued to an identifier, or one emoji, or a run of
a script that writes without spaces between words. The classes are written out as ranges because
``re`` knows no scripts, and asking ``unicodedata`` for every character takes longer than a start
may. A character that no class names separates chunks, in a text and in a query alike.
"""

import re

_HAN_AND_KANA = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u3099\u309a"
    "\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb"
_THAI_AND_LAO = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"
_KHMER_AND_BURMESE = (
    "\u1000-\u103f\u1050-\u108f\u109a-\u109d\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa76\uaa7a-\uaa7f"
    "\u1780-\u17d3\u17d7\u17dc\u17dd"
)
_UNSPACED = _HAN_AND_KANA + _HANGUL + _THAI_AND_LAO + _KHMER_AND_BURMESE

# Vowel signs and the like, with the letters between them. The rare scripts beyond the basic plane
# are left out: their words come apart at a mark, which finds them all the same.
_MARKS = (
    "\u0488\u0489\u0610-\u061a\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711-\u07f3\u07fd"
    "\u0816-\u082d\u0859-\u085b\u0898-\u08e1\u08e3-\u0963\u0981-\u09e3\u09fe-\u0a75\u0a81-\u0ae3"
    "\u0afa-\u0b63\u0b82-\u0bd7\u0c00-\u0c63\u0c81-\u0c83\u0cbc-\u0d4d\u0d57-\u0d63\u0d81-\u0df3"
    "\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u135d-\u135f\u1712-\u1734"
    "\u1752-\u1773\u180b-\u180d\u180f\u18a9\u1920-\u193b\u1a17-\u1a1b\u1a55-\u1a7f\u1b00-\u1b44"
    "\u1b6b-\u1b73\u1b80-\u1bf3\u1c24-\u1c37\u1cd0-\u1cd2\u1cd4-\u1cf9\u1dc0-\u1dff\ua66f"
    "\ua674-\ua67d\ua69e\ua69f\ua6f0\ua6f1\ua802-\ua827\ua82c\ua880-\ua8c5\ua8e0-\ua8f1\ua8ff"
    "\ua926-\ua92d\ua947-\ua953\ua980-\ua9c0\uaa29-\uaa36\uaa43-\uaa4d\uaab0-\uaac1\uaaeb-\uaaef"
    "\uaaf5\uaaf6\uabe3-\uabea\uabec\uabed\ufe20-\ufe2f"
)
_EMOJI = (
    "\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c"
    "\u2b50\u2b55\U0001f000-\U0001f1e5\U0001f200-\U0001faff"
)
_FLAG = "[\U0001f1e6-\U0001f1ff]{1,2}"

_LETTERS = rf"[^\W_{_UNSPACED}]"
_SEGMENT = rf"{_LETTERS}+(?:[{_MARKS}]+{_LETTERS}*)*"
GLUE = r"._\-/:@+"
APOSTROPHE = "'"

# Nothing after the first letter can fail, so the scan goes through any text once.
CHUNK = re.compile(
    rf"(?P<word>{_SEGMENT}(?:[{GLUE}{APOSTROPHE}]{_SEGMENT})*(?:\+\+|[+#](?!{_LETTERS}))?)"
    rf"|(?P<han>[{_HAN_AND_KANA}]+)"
    rf"|(?P<hangul>[{_HANGUL}]+)"
    rf"|(?P<thai>[{_THAI_AND_LAO}]+)"
    rf"|(?P<khmer>[{_KHMER_AND_BURMESE}]+)"
    rf"|(?P<emoji>[{_EMOJI}]|{_FLAG})"
)
"""One chunk of a normalised text; the name of its group says of which kind."""

GRAM_LENGTH = {"han": 2, "hangul": 2, "thai": 3, "khmer": 2}
"""How many characters make a term, by kind of run: words are not set apart in these scripts."""

ENDS_IN_CHARACTER = {"han", "hangul"}
"""Where a character alone may be a word: the last one, which begins no pair, is a term as well."""


def is_short_run(term: str) -> bool:
    """Tell whether a term is a run shorter than the terms of its script, as 猫 is."""
    chunk = CHUNK.fullmatch(term)
    return (
        chunk is not None
        and chunk.lastgroup is not None
        and len(term) < GRAM_LENGTH.get(chunk.lastgroup, 0)
    )
