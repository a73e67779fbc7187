"""Claude's own memory as text: pasted from its settings, asked for in a chat, or exported.

The answer to Anthropic's export prompt is a line for each memory, ``[date] - text``, often in a
code block; the memory in the settings is paragraphs under headings. The data export of an
account holds the latter as ``memories.json``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from extended_memory.transfer.formats.adapt import adapted, mapping
from extended_memory.transfer.formats.documents import document
from extended_memory.transfer.formats.item import MAXIMUM_LINE_BYTES, Item, LeftOut, TransferError

TOOL = "claude"

_DATED = re.compile(r"\s*(?:[-*]\s+)?\[(?P<date>[^\]\n]*)\]\s+[-\u2013\u2014]\s+(?P<text>\S.*)")
_BULLET = re.compile(r"(?:[-*\u2022]|\d+[.)])\s+(?P<text>\S.*)")
_HEADING = re.compile(r"#{1,6}\s+(?P<hashed>.+?)[\s#]*|\*\*(?P<bold>[^*]+?):?\*\*:?")
_FENCE = re.compile(r"\s*(?:```|~~~)")


def is_text(text: str) -> bool:
    """Say whether a text has the lines of Claude's answer, which no other text is known by."""
    return any(_DATED.fullmatch(line) for line in text.splitlines())


def is_one(value: object) -> bool:
    """Say whether a document is the memory of a data export."""
    return any("conversations_memory" in mapping(one) for one in _accounts(value))


def read(path: Path) -> Iterator[Item]:
    """Give the memories of a document of a data export."""
    for account in _accounts(document(path)):
        values = mapping(account)
        yield from _entries(str(values.get("conversations_memory") or ""), None)
        for project, text in mapping(values.get("project_memories")).items():
            # Projects have no name there.
            yield from _entries(str(text), f"claude {project[:8]}")


def read_text(path: Path) -> Iterator[Item]:
    """Give the memories of a text."""
    if path.stat().st_size > MAXIMUM_LINE_BYTES:
        raise TransferError(f"{path.name} is larger than any memory of Claude.")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TransferError(f"{path.name} is no text in UTF-8.") from error
    yield from _entries(text, None)


def _accounts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _entries(text: str, project: str | None) -> Iterator[Item]:
    """Cut a text into its memories: list entries and paragraphs, with their heading as tag.

    Where entries are dated, what stands around them is what Claude said of them.
    """
    has_dates = is_text(text)
    heading = date = ""
    start, listed, entry = 0, False, list[str]()

    def ended() -> Iterator[Item]:
        content = "\n".join(entry).strip()
        entry.clear()
        if content and has_dates and not listed:
            yield LeftOut(kind="text around the memories")
        elif content:
            yield from adapted(
                tool=TOOL,
                key=project or "",
                place=f"line {start:,}",
                project=project,
                content=content,
                tags=[heading],
                created_at=date or None,
            )

    for number, line in enumerate(text.splitlines(), start=1):
        if _FENCE.match(line) or not line.strip():
            yield from ended()
            date = ""
        elif found := _HEADING.fullmatch(line.strip()):
            yield from ended()
            heading, date = found["hashed"] or found["bold"], ""
        elif begun := _DATED.fullmatch(line) or _BULLET.fullmatch(line):
            yield from ended()
            start, date = number, begun.groupdict().get("date") or ""
            entry.append(begun["text"])
            listed = True
        else:
            start, listed = (start, listed) if entry else (number, False)
            entry.append(line.strip())
    yield from ended()
