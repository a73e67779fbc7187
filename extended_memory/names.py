"""How the names of projects and tags are normalised: two spellings of one name are one name."""

import unicodedata
from collections.abc import Iterable

from extended_memory.domain import DEFAULT_PROJECT

MAXIMUM_PROJECT_CHARACTERS = 200
MAXIMUM_TAG_CHARACTERS = 100


def normalise_project(name: str) -> str:
    """Return the one spelling of a project's name, or an empty string for a blank name.

    NFC, lower case, ``_`` and ``-`` as spaces, runs of white space as one, trimmed: ``My_Proj``,
    ``my-proj`` and ``MY  PROJ`` are one project. Normalising twice changes nothing.
    """
    # Lower-casing can leave a decomposed letter behind (U+0130 does), so compose once more.
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
    return " ".join(lowered.replace("_", " ").replace("-", " ").split())


def adopted_project(name: str) -> str:
    """Return the name of a project that an earlier release wrote, whatever it looks like."""
    name = normalise_project(name)
    while (control := control_character(name)) is not None:
        name = normalise_project(name.replace(control, " "))
    return name[:MAXIMUM_PROJECT_CHARACTERS].strip() or DEFAULT_PROJECT


def normalise_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags trimmed, in NFC and lower case, unique, sorted; blank ones left out."""
    return tuple(sorted({normalise_tag(tag) for tag in tags} - {""}))


def normalise_tag(tag: str) -> str:
    """Return the one spelling of a tag, or an empty string for a blank one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", tag).lower()).strip()


def control_character(text: str) -> str | None:
    """Return the first control character (Unicode category Cc) of a text, if it has one."""
    return next((c for c in text if unicodedata.category(c) == "Cc"), None)
