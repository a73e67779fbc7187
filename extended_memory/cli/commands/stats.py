"""``stats``: how much is kept, since when, and of what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from rich.console import Console
from rich.filesize import decimal

from extended_memory.cli import console, environment, options
from extended_memory.domain import MAXIMUM_IMPORTANCE, MINIMUM_IMPORTANCE, Summary, TagCount
from extended_memory.protocol.replies import local_time, timestamp
from extended_memory.service import MemoryService

_TAGS_COUNTED = 1000
"""At most this many tags of each project count for the most used of all."""

_TOP_TAGS = 10
_PLOT_HEIGHT = 4
_WIDEST_BAR = 40
_WEEK = timedelta(weeks=1)


def stats(*, project: options.OnlyProject = "", as_json: options.Json = False) -> None:
    """Show how much is kept, since when, and of what: of one project, or of all."""
    with environment.opened_memory(missing="empty", project=project) as memory:
        project = memory.scope.within(project) or ""
        summary = memory.summary(project)
        count = 1 if project else len(memory.projects())
        tags = _top_tags(memory, project)
    size = environment.bytes_on_disk()
    if as_json:
        console.show_json(_values(project, summary, tags, size))
        return
    out = console.out()
    facts = _facts(summary, project, count, size)
    if not out.is_terminal:
        rows = console.table("name", "value")
        for name, value in _rows(facts, summary, tags):
            rows.add_row(name, value)
        out.print(rows)
        _note_if_empty(summary)
        return
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        console.say(f"{name:<{width}}  {value}")
    if summary.context_count:
        _show_weeks(out, summary.by_week)
        _show_bars(out, "importance", _importance(summary))
        if tags:
            _show_bars(out, "top tags", [(tag.tag, tag.count) for tag in tags])
    _note_if_empty(summary)


def _note_if_empty(summary: Summary) -> None:
    if not (summary.context_count or summary.trash_count):
        environment.note_empty(f"Nothing is saved yet. {environment.whereabouts()}")


def _facts(
    summary: Summary, project: str, projects: int, size: int | None
) -> list[tuple[str, str]]:
    """Return the numbers, each with its name."""
    facts = [("project", project)] if project else [("projects", f"{projects:,}")]
    facts += [
        ("contexts", f"{summary.context_count:,}"),
        ("in the trash", f"{summary.trash_count:,}"),
        ("earlier texts", f"{summary.revision_count:,}"),
        ("text", decimal(summary.content_bytes)),
    ]
    facts += [("on disk", decimal(size))] if size is not None else []
    facts += [
        (name, local_time(moment))
        for name, moment in (("oldest", summary.oldest), ("newest", summary.newest))
        if moment is not None
    ]
    return facts


def _rows(
    facts: Sequence[tuple[str, str]], summary: Summary, tags: Sequence[TagCount]
) -> list[tuple[str, str]]:
    """Return everything as pairs, for a pipe."""
    return [
        *facts,
        *((f"week of {monday}", f"{count}") for monday, count in summary.by_week),
        *((f"importance {level}", f"{count}") for level, count in _importance(summary)),
        *((f"tag {tag.tag}", f"{tag.count}") for tag in tags),
    ]


def _importance(summary: Summary) -> list[tuple[str, int]]:
    levels = range(MAXIMUM_IMPORTANCE, MINIMUM_IMPORTANCE - 1, -1)
    return [(f"{level}", summary.by_importance.get(level, 0)) for level in levels]


def _top_tags(memory: MemoryService, project: str) -> tuple[TagCount, ...]:
    """Return the most used tags; tags are a project's own, so those of all are added up."""
    if project:
        return memory.popular_tags(project, minimum_count=1, limit=_TOP_TAGS).tags
    counts: Counter[str] = Counter()
    for each in memory.projects():
        page = memory.popular_tags(each.name, minimum_count=1, limit=_TAGS_COUNTED)
        counts.update({tag.tag: tag.count for tag in page.tags})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(TagCount(tag=tag, count=count) for tag, count in ranked[:_TOP_TAGS])


def _show_weeks(out: Console, by_week: Sequence[tuple[date, int]]) -> None:
    """Plot the number of contexts saved in each week, as many weeks as have room."""
    weeks = _every_week(by_week)[-(out.width - 8) :]
    counts = [count for _, count in weeks]
    width = 2 if 2 * len(weeks) <= out.width - 8 else 1
    console.say(f"\nsaved weekly, {weeks[0][0]} to {weeks[-1][0]}")
    most = f"{max(counts):,}"
    for number, line in enumerate(console.columns(counts, _PLOT_HEIGHT)):
        label = most if number == 0 else ""
        console.say(f"{label:>6}  " + "".join(block * width for block in line).rstrip())


def _every_week(by_week: Sequence[tuple[date, int]]) -> list[tuple[date, int]]:
    """Return every week from the first to the last, empty ones too."""
    counts = dict(by_week)
    first, last = by_week[0][0], by_week[-1][0]
    mondays = [first + _WEEK * number for number in range((last - first) // _WEEK + 1)]
    return [(monday, counts.get(monday, 0)) for monday in mondays]


def _show_bars(out: Console, title: str, counts: Sequence[tuple[str, int]]) -> None:
    """Plot numbers across, each with its name."""
    names = [console.cut(name, out.width // 3) for name, _ in counts]
    longest = max(console.width(name) for name in names)
    most = max(count for _, count in counts)
    room = min(out.width - longest - len(f"{most:,}") - 5, _WIDEST_BAR)
    console.say(f"\n{title}")
    for name, (_, count) in zip(names, counts, strict=True):
        pad = " " * (longest - console.width(name))
        line = f"{pad}{name}  {count:>{len(f'{most:,}')},}  {console.bar(count, most, room)}"
        console.say(line.rstrip())


def _values(
    project: str, summary: Summary, tags: Sequence[TagCount], size: int | None
) -> Mapping[str, object]:
    return {
        "project_id": project or None,
        "contexts": summary.context_count,
        "in_trash": summary.trash_count,
        "revisions": summary.revision_count,
        "content_bytes": summary.content_bytes,
        "bytes_on_disk": size,
        "by_importance": {f"{level}": n for level, n in sorted(summary.by_importance.items())},
        "by_week": {f"{monday}": count for monday, count in summary.by_week},
        "oldest": _time(summary.oldest),
        "newest": _time(summary.newest),
        "top_tags": [{"tag": tag.tag, "count": tag.count} for tag in tags],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
