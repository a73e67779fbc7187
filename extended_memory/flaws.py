"""The flaws that a check of a store can find, the same on every backend."""

from dataclasses import dataclass
from enum import Enum

from extended_memory.domain import TIME_BOUNDS


class Flaw(Enum):
    """A way in which the parts of a store contradict each other.

    Attributes:
        code: The name for programs. It never changes.
        part: The part of the store that is wrong.
        words: The things that are counted, for a person.
        can_be_rebuilt: Whether the contexts themselves say what is right.
    """

    INDEX_ROWS = ("file-index", "file", "rows that an index of the file does not find", True)
    STRUCTURE = (
        "file-structure",
        "file",
        "places where the structure of the file is damaged",
        False,
    )
    REFERENCES = (
        "file-references",
        "file",
        "rows that refer to others that are not there",
        False,
    )
    PROJECT_GONE = (
        "project-gone",
        "projects",
        "contexts of a project that is not there",
        False,
    )
    PROJECT_TIMES = (
        "project-times",
        "projects",
        "projects whose times are not those of their contexts",
        True,
    )
    MOVE_UNFINISHED = (
        "move-unfinished",
        "projects",
        "contexts that a move to another project left on their way",
        True,
    )
    CONTEXT_UNREADABLE = (
        "context-unreadable",
        "contexts",
        "contexts that cannot be read",
        False,
    )
    CONTEXT_UNLISTED = (
        "context-unlisted",
        "contexts",
        "contexts that no list of their project names",
        True,
    )
    CONTEXT_GONE = (
        "context-gone",
        "contexts",
        "entries in lists whose context is not there",
        True,
    )
    CONTEXT_MISPLACED = (
        "context-misplaced",
        "contexts",
        "contexts listed by another importance or time",
        True,
    )
    CONTENT_HASH = (
        "content-hash",
        "contexts",
        "hashes that are not those of the texts, so that a repeated save is not recognised",
        True,
    )
    TIME_OUT_OF_BOUNDS = (
        "time-out-of-bounds",
        "contexts",
        f"contexts whose time is not {TIME_BOUNDS}",
        False,
    )
    IMPORTANCE_COUNTS = (
        "importance-counts",
        "counts",
        "counts of contexts by importance that are wrong",
        True,
    )
    LINK_GONE = (
        "link-gone",
        "tags",
        "links between a tag and a context that is not there",
        True,
    )
    LINK_OUTDATED = (
        "link-outdated",
        "tags",
        "links whose importance or time is not that of the context",
        True,
    )
    LINK_ELSEWHERE = ("link-elsewhere", "tags", "links to a tag of another project", True)
    TAG_CONTEXTS = (
        "tag-contexts",
        "tags",
        "tags whose contexts are not those that carry them",
        True,
    )
    TAG_COUNT = (
        "tag-count",
        "tags",
        "tags that no context carries, or whose count is wrong",
        True,
    )
    ID_REUSABLE = ("id-reusable", "ids", "ids that could be given a second time", True)
    TRASH_DUPLICATE = (
        "trash-duplicate",
        "trash",
        "forgotten contexts that are there as well",
        False,
    )
    TRASH_UNREADABLE = (
        "trash-unreadable",
        "trash",
        "forgotten contexts that cannot be read, or that belong to nothing",
        False,
    )
    REVISION_ORPHANED = (
        "revision-orphaned",
        "revisions",
        "earlier texts of a context that is neither there nor in the trash",
        False,
    )
    REVISION_UNREADABLE = (
        "revision-unreadable",
        "revisions",
        "earlier texts that cannot be read, or that are out of order",
        False,
    )
    SEARCH_PROGRESS = (
        "search-progress",
        "search",
        "notes on the progress of the index that cannot be read",
        True,
    )
    SEARCH_CONTEXTS = (
        "search-contexts",
        "search",
        "contexts that a search finds and that are gone, or of another time",
        True,
    )
    SEARCH_WORDS = (
        "search-words",
        "search",
        "places where a search finds other words than the contexts have",
        True,
    )
    SEARCH_COUNTS = (
        "search-counts",
        "search",
        "words whose count of contexts is wrong",
        True,
    )

    def __init__(self, code: str, part: str, words: str, can_be_rebuilt: bool) -> None:
        self.code = code
        self.part = part
        self.words = words
        self.can_be_rebuilt = can_be_rebuilt


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A flaw of a store, and how many things have it."""

    flaw: Flaw
    count: int
