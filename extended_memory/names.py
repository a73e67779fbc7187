"""Names of projects and tags: two spellings of one name are one name; and words for yes and no."""

import unicodedata
from collections.abc import Iterable

from extended_memory.domain import DEFAULT_PROJECT

MAXIMUM_PROJECT_CHARACTERS = 200
MAXIMUM_TAG_CHARACTERS = 100

_SWITCHES = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def normalise_project(name: str) -> str:
    """Return the one spelling of a project's name, or an empty string for a blank name.

    NFC, lower case, ``_`` and ``-`` as spaces, runs of white space as one, trimmed: ``My_Proj``,
    ``my-proj`` and ``MY  PROJ`` are one project. Normalising twice changes nothing.
    """
    # Lower-casing can leave a decomposed letter behind (U+0130 does), so compose once more.
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
    return " ".join(lowered.replace("_", " ").replace("-", " ").split())


class NameRefusedError(ValueError):
    """A name breaks a rule, which completes "the name must ..."."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"must {rule}")
        self.rule = rule


def checked_project(name: str) -> str:
    """Return the one spelling of a project's name, "" for a blank one.

    Raises:
        NameRefusedError: no project can have the name.
    """
    if control_character(name.strip()) is not None:
        raise NameRefusedError("have no control characters")
    project = normalise_project(name)
    if len(project) > MAXIMUM_PROJECT_CHARACTERS:
        raise NameRefusedError(f"be at most {MAXIMUM_PROJECT_CHARACTERS} characters")
    return project


def checked_tag(name: str) -> str:
    """Return the one spelling of a tag.

    Raises:
        NameRefusedError: no context can carry it.
    """
    tag = normalise_tag(name)
    if not tag:
        raise NameRefusedError("not be blank")
    if control_character(tag) is not None:
        raise NameRefusedError("have no control characters")
    if len(tag) > MAXIMUM_TAG_CHARACTERS:
        raise NameRefusedError(f"be at most {MAXIMUM_TAG_CHARACTERS} characters")
    return tag


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


def is_unicode(text: str) -> bool:
    """Say whether a text has a form in UTF-8, that is, no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_switch(word: str) -> bool | None:
    """Return what a word for yes or no means, None where it is another word."""
    return _SWITCHES.get(word.lower())
