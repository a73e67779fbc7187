"""Which spellings of a character count as one: width, case, accents, invisible characters."""

# ruff: noqa: RUF002  (Russian letters are meant)

import re
import unicodedata

_APOSTROPHES = re.compile("[\u2018\u2019\u201b\u02bc]")
_IGNORED = re.compile(
    "["
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff"  # soft hyphen, zero width
    "\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff"  # variants of emoji, skin tones
    "\u0300-\u036f\u0483-\u0487"  # accents that no composed letter has
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0640\u064b-\u065f\u0670"  # tatweel, Arabic vowels
    "]+"
)
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0487\u064b-\u065f\u0670]+")
_SHORT_I = "\u0438\u0306"

# Letters that people type without their stroke or as two, and that no normalisation takes apart;
# with them a word and its upper case are the same (Turkish dotless i). Alef wasla is an alef.
_LOOKALIKES = str.maketrans(
    {
        "\u0131": "i",
        "\u0142": "l",
        "\u00f8": "o",
        "\u0111": "d",
        "\u0127": "h",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u0671": "\u0627",
    }
)


def normalise(text: str) -> str:
    """Return a text in NFKC without what cannot be seen or typed; its case is kept.

    Source of the forms: Unicode Standard Annex 15. Apostrophes become U+0027.
    """
    if text.isascii():
        return text
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", text))
    # What was taken out may have kept two characters from composing.
    return unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", text))


def fold(word: str) -> str:
    """Return the one spelling of a normalised word: without case and accents.

    ё is е, but й is not и: Russian writes the one at will and tells words apart by the other.
    """
    folded = word.casefold()
    if folded.isascii():
        return folded
    parted = unicodedata.normalize("NFD", folded).replace(_SHORT_I, "\u0439")
    return unicodedata.normalize("NFC", _ACCENTS.sub("", parted)).translate(_LOOKALIKES)
