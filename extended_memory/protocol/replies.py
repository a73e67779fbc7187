"""Domain values as the short text a model reads: pure functions, within a budget of bytes.

No reply is larger than ``MAXIMUM_REPLY_BYTES`` of UTF-8. Everything but a content is bounded so
that one context of the largest size that can be saved always fits whole, which is what lets a
reader page through all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from extended_memory.counts import noun
from extended_memory.domain import (
    MAXIMUM_CONTENT_BYTES,
    Context,
    ContextPage,
    FoundContext,
    Opening,
    Project,
    Revision,
    SearchPage,
    Selection,
    TagCount,
    TagPage,
    UpdatedContext,
)

MAXIMUM_REPLY_BYTES = 60_000
"""Under 20,000 tokens in any script; Claude's clients cut tool results at 25,000."""

_TAG_BYTES = 2_000
_POPULAR_TAG_BYTES = 1_000
_OVERVIEW_EXCERPT_CHARACTERS = 300
_BEGINNING_CHARACTERS = 60
_LARGEST_PASSAGE_BYTES = 3_000
_LEAST_PASSAGE_BYTES = 600
_MARGIN_BYTES = 500  # the closing lines of a reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A rendered load: the text, the contexts in it as they are shown, and where to go on."""

    text: str
    contexts: tuple[Context, ...]
    left_out: tuple[Context, ...]
    """Those of the page that did not fit, a line each in the text."""
    instructions: str
    next_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A rendered search: the text, what was found as it is shown, and where to go on."""

    text: str
    found: tuple[FoundContext, ...]
    """With long contents cut to their best passage."""
    whole: frozenset[int]
    """The ids of those that are not cut."""
    next_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A rendered list: the text and how many of the rows are in it."""

    text: str
    rows: int


def saved(context: Context) -> str:
    """Say what was stored where."""
    tags = f", tags: {_tags(context.note.tags)}" if context.note.tags else ""
    return (
        f'Saved as #{context.id} in project "{context.project}" '
        f"(importance {context.note.importance}{tags}) at {local_time(context.created_at)}."
    )


def updated(change: UpdatedContext | None, *, context_id: int) -> str:
    """Say what a context is now, and how to have back what it was."""
    if change is None:
        return f"There is no context #{context_id} here; nothing was changed."
    context = change.context
    if change.revision is None:
        return f"#{context.id} is so already; nothing was changed."
    tags = f", tags: {_tags(context.note.tags)}" if context.note.tags else ""
    return (
        f'Changed #{context.id} in project "{context.project}" '
        f"(importance {context.note.importance}{tags}), "
        f"updated_at {timestamp(context.last_changed_at)}. What it was is kept: "
        f"restore_context(context_id={context.id}, revision={change.revision}) brings it back."
    )


def changed_meanwhile(current: Context) -> str:
    """Say that a change was refused, and show what it would have overwritten."""
    return (
        f"#{current.id} was changed meanwhile, at {timestamp(current.last_changed_at)}, so it was "
        f"left as it is. It is now:\n\n{_block(_shown(current))}\n\nIf your change still "
        "applies, make it to this text and try again."
    )


def restored(
    context: Context | None, revisions: Sequence[Revision], *, context_id: int, revision: int | None
) -> str:
    """Say what was brought back, or what could be."""
    if context is not None:
        return f'Restored in project "{context.project}":\n\n{_block(_shown(context))}'
    what = "in the trash" if revision is None else f"with a revision {revision}"
    lines = [f"There is no context #{context_id} {what}; nothing was restored."]
    if revisions:
        lines.append("Earlier texts of it, each until it was replaced:")
        lines += [
            f"revision {earlier.number}, {local_time(earlier.replaced_at)}: "
            f"{beginning(earlier.note.content)}"
            for earlier in revisions
        ]
    return "\n".join(lines)


def loaded(
    page: ContextPage,
    selection: Selection,
    *,
    project: str,
    offset: int,
    opening: Opening | None = None,
) -> Loaded:
    """Render a page of contexts, as many as fit; always at least one."""
    opening = opening or Opening()
    more = "" if page.total_is_exact else " or more"
    head = (
        f'Project "{project}": {_counted(page.total, "context")}{more} with '
        f"{_selected(selection)}, newest first."
    )
    if opening.popular_tags:
        counted = (f"{tag.tag} ({tag.count})" for tag in opening.popular_tags)
        head += f"\nTags used most here: {_joined(counted, _POPULAR_TAG_BYTES)}"
    budget = MAXIMUM_REPLY_BYTES - _MARGIN_BYTES - _size(head)
    # The first context comes whole, then the instructions as far as they fit, then the others.
    contexts = [_shown(context) for context in page.contexts]
    budget -= sum(_size(_block(context)) for context in contexts[:1])
    instructions = _cut(opening.instructions.text, budget, "the file is larger than a reply may be")
    budget -= _size(instructions)
    shown, lines = _fitting(contexts, budget)
    after = offset + len(shown)
    parts = [opening.instructions.problem] if opening.instructions.problem else []
    parts += [f"Custom instructions:\n{instructions}"] if instructions else []
    parts += [head, *map(_block, shown)]
    if not shown:
        parts.append(_nothing(page.total, offset, held=opening.context_count))
        parts += [opening.notice] if opening.notice else []
    left = max(page.total - after, 0) if shown else 0
    may_be_left = left > 0 or (bool(shown) and not page.total_is_exact)
    if may_be_left:
        how_many = f"{left} more" if page.total_is_exact else "More may be left"
        by_id = ", or with some of these ids:" if lines else "."
        parts.append(
            f"{how_many}: call load_contexts again with offset={after} and init_load=false, "
            f"the other arguments unchanged{by_id}" + "".join(f"\n{line}" for line in lines)
        )
    return Loaded(
        text="\n\n".join(parts),
        contexts=tuple(shown),
        left_out=tuple(contexts[len(shown) : len(shown) + len(lines)]),
        instructions=instructions,
        next_offset=after if may_be_left else None,
    )


def _selected(selection: Selection) -> str:
    """Say which contexts are meant."""
    span = selection.span
    words = f"importance {selection.minimum_importance} or more"
    words += f" and any of the tags {_tags(selection.tags)}" if selection.tags else ""
    words += f", saved from {local_time(span.since)} on" if span.since else ""
    return words + (f", saved before {local_time(span.until)}" if span.until else "")


def fetched(contexts: Sequence[Context], asked: Sequence[int]) -> Loaded:
    """Render contexts that were asked for by their ids, as many as fit; at least one."""
    whole = [_shown(context) for context in contexts]
    budget = MAXIMUM_REPLY_BYTES - _MARGIN_BYTES - 10 * len(asked)
    budget -= sum(_size(_placed(context)) for context in whole[:1])
    shown = whole[:1]
    for context in whole[1:]:
        budget -= _size(_placed(context))
        if budget < 0:
            break
        shown.append(context)
    left = [str(context.id) for context in whole[len(shown) :]]
    found = {context.id for context in whole}
    missing = [f"#{number}" for number in dict.fromkeys(asked) if number not in found]
    parts = [_placed(context) for context in shown]
    parts += [f"More: call load_contexts again with ids=[{', '.join(left)}]."] if left else []
    parts += [f"There is no {', '.join(missing)}."] if missing else []
    return Loaded(
        text="\n\n".join(parts),
        contexts=tuple(shown),
        left_out=tuple(whole[len(shown) :]),
        instructions="",
        next_offset=None,
    )


def _fitting(contexts: Sequence[Context], budget: int) -> tuple[list[Context], list[str]]:
    """Return the contexts that are shown, and a line for each that does not fit.

    The first one is in the budget already, and always shown. Where not all fit, some give way
    to the lines; where not even the lines fit, the last ones are dropped.
    """
    lines = [_line(context) for context in contexts]
    sizes = [0, *(_size(_block(context)) for context in contexts[1:])]
    if sum(sizes) <= budget:
        return list(contexts), []
    count = 1
    used, of_lines = 0, sum(_size(line) for line in lines[1:])
    while used + sizes[count] + of_lines - _size(lines[count]) <= budget:
        used += sizes[count]
        of_lines -= _size(lines[count])
        count += 1
    kept = []
    for line in lines[count:]:
        used += _size(line)
        if used > budget:
            break
        kept.append(line)
    return list(contexts[:count]), kept


def searched(
    page: SearchPage, *, project: str, offset: int, popular_tags: Sequence[TagCount] = ()
) -> Searched:
    """Render what a search found, best first, as much as fits; at least one, if there is any.

    A long content is cut around the passage that answers best.
    """
    from extended_memory.search.index import POOL  # not at a start
    from extended_memory.search.passage import best_passage

    of_each = max(MAXIMUM_REPLY_BYTES // max(2 * len(page.found), 1), _LEAST_PASSAGE_BYTES)
    count = _counted(page.total, "context") if page.total < POOL else f"{POOL} contexts or more"
    head = f'Project "{project}": ' + (f"{count} found, best first." if page.total else "no match.")
    budget = MAXIMUM_REPLY_BYTES - _MARGIN_BYTES - _size(head)
    parts = [head]
    shown: list[FoundContext] = []
    whole: set[int] = set()
    for found in page.found:
        content, is_cut = best_passage(
            found.context.note.content, page.terms, min(of_each, _LARGEST_PASSAGE_BYTES)
        )
        block = f"{_heading(found.context)}, {_reasons(found)}\n{content}"
        if is_cut:
            size = len(found.context.note.content.encode())
            block += f"\n[cut: {size:,} bytes; load_contexts(ids=[{found.context.id}]) has all]"
        budget -= _size(block)
        if budget < 0 and shown:
            break
        parts.append(block)
        shown.append(replace(found, context=_with_text(found.context, content)))
        whole |= set() if is_cut else {found.context.id}
    after = offset + len(shown)
    is_more = bool(shown) and page.total > after
    if is_more:
        parts.append(
            f"{page.total - after} more: call search_contexts again with offset={after}, the other "
            "arguments unchanged."
        )
    if not shown:
        parts += _hints(page, popular_tags, offset)
    if page.unindexed:
        parts.append(
            f"{_counted(page.unindexed, 'older context')} of this project cannot be found yet: the "
            "index is still being built."
        )
    return Searched(
        text="\n\n".join(parts),
        found=tuple(shown),
        whole=frozenset(whole),
        next_offset=after if is_more else None,
    )


def _hints(page: SearchPage, popular_tags: Sequence[TagCount], offset: int) -> list[str]:
    """Return what may help where nothing is shown."""
    if page.total:
        return [f"Nothing is left at offset {offset}."]
    hints = []
    if page.suggestions:
        hints.append(f"Did you mean: {_joined(page.suggestions, _POPULAR_TAG_BYTES)}?")
    if popular_tags:
        counted = (f"{tag.tag} ({tag.count})" for tag in popular_tags)
        hints.append(f"Tags used most here: {_joined(counted, _POPULAR_TAG_BYTES)}")
    return hints or ["Other words may find it, or fewer filters."]


def _reasons(found: FoundContext) -> str:
    matched = (
        match.word if match.taken_for is None else f"{match.word} (as {match.taken_for})"
        for match in found.matches
    )
    return f"score {found.score:.2f}, matched: {_joined(matched, _POPULAR_TAG_BYTES)}"


def forgotten(context_id: int, project: str | None, *, asked: str, trash_days: int) -> str:
    """Say whether a context was removed, and from where; ``trash_days`` is 0 if for good."""
    if project is not None and trash_days:
        return (
            f'Forgot #{context_id} of project "{project}". For {_counted(trash_days, "day")}, '
            f"restore_context(context_id={context_id}) brings it back."
        )
    if project is not None:
        return f'Forgot #{context_id} of project "{project}"; it is gone for good.'
    where = f' in project "{asked}"' if asked else ""
    return f"There is no context #{context_id}{where}; nothing was forgotten."


def listed_projects(projects: Sequence[Project], *, pinned: str | None = None) -> Listed:
    """Render the projects, a line each."""
    if not projects:
        where = f' in project "{pinned}"' if pinned else ""
        return Listed(text=f"Nothing is saved{where} yet.", rows=0)
    return _lines(
        f"{_counted(len(projects), 'project')}, the one saved to last first:",
        [
            f"{project.name}: {_counted(project.context_count, 'context')}, "
            f"last saved {local_time(project.last_saved_at)}"
            for project in projects
        ],
        total=len(projects),
    )


def popular_tags(page: TagPage, *, project: str, minimum_count: int) -> Listed:
    """Render the most used tags, a line each."""
    least = "" if minimum_count == 1 else f" used {minimum_count} times or more"
    if not page.tags:
        return Listed(text=f'Project "{project}" has no tags{least}.', rows=0)
    return _lines(
        f'Project "{project}": {_counted(page.total, "tag")}{least}, most used first:',
        [f"{tag.tag} ({tag.count})" for tag in page.tags],
        total=page.total,
    )


def excerpt(context: Context) -> str:
    """Return the beginning of a content, short enough for an overview."""
    content = context.note.content
    if len(content) <= _OVERVIEW_EXCERPT_CHARACTERS:
        return content
    return f"{content[:_OVERVIEW_EXCERPT_CHARACTERS]}..."


def beginning(content: str) -> str:
    """Return the first words of a content, on one line."""
    words = " ".join(content[: 4 * _BEGINNING_CHARACTERS].split())
    if len(words) <= _BEGINNING_CHARACTERS:
        return words
    return f"{words[:_BEGINNING_CHARACTERS]}..."


def timestamp(moment: datetime) -> str:
    """Return a time for programs: ISO 8601, to the millisecond, with its zone."""
    return moment.isoformat(timespec="milliseconds")


def _block(context: Context) -> str:
    return f"{_heading(context)}\n{context.note.content}"


def _placed(context: Context) -> str:
    """Return a context with its project, where it is not said above."""
    return f'{_heading(context)}, project "{context.project}"\n{context.note.content}'


def _heading(context: Context) -> str:
    tags = f", tags: {_tags(context.note.tags)}" if context.note.tags else ""
    changed = f", changed {local_time(context.updated_at)}" if context.updated_at else ""
    return (
        f"#{context.id} {local_time(context.created_at)}{changed}, "
        f"importance {context.note.importance}{tags}"
    )


def _line(context: Context) -> str:
    return f"#{context.id} {local_time(context.created_at)}: {beginning(context.note.content)}"


def _shown(context: Context) -> Context:
    """Return a context as it is, or cut to what can be saved where an older store let it grow."""
    content = _cut(
        context.note.content, MAXIMUM_CONTENT_BYTES, "the whole of it stays in the store"
    )
    return context if content is context.note.content else _with_text(context, content)


def _with_text(context: Context, content: str) -> Context:
    return replace(context, note=replace(context.note, content=content))


def _cut(text: str, budget: int, reason: str) -> str:
    """Return a text as it is where it fits, else its beginning and a plain note."""
    encoded = text.encode()
    if len(encoded) <= budget:
        return text
    note = f"\n[cut: {len(encoded):,} bytes, {reason}]"
    return encoded[: max(budget - _size(note), 0)].decode(errors="ignore") + note


def _lines(head: str, rows: list[str], *, total: int) -> Listed:
    budget = MAXIMUM_REPLY_BYTES - _MARGIN_BYTES - _size(head)
    shown = []
    for row in rows:
        budget -= _size(row)
        if budget < 0:
            break
        shown.append(row)
    parts = [head, *shown]
    if total > len(shown):
        parts.append(f"{total - len(shown)} more are not shown.")
    return Listed(text="\n".join(parts), rows=len(shown))


def _nothing(total: int, offset: int, *, held: int) -> str:
    if total:
        return f"Nothing is left at offset {offset}."
    if held:
        below = _counted(held, "context")
        return f"The project holds {below} below that: importance_level=1 loads all."
    return "Nothing is saved there."


def _tags(tags: Iterable[str]) -> str:
    return _joined(tags, _TAG_BYTES)


def _joined(words: Iterable[str], budget: int) -> str:
    """Join words with commas, as many as fit, and say how many did not."""
    words = list(words)
    for count, word in enumerate(words):
        budget -= _size(word)
        if budget < 0:
            return ", ".join([*words[:count], f"and {len(words) - count} more"])
    return ", ".join(words)


def _counted(count: int, singular: str) -> str:
    """Return a count with its noun, in digits alone, as models are given numbers."""
    return f"{count} {noun(count, singular)}"


def local_time(moment: datetime) -> str:
    """Return a time for a person: of the place where it is read, to the minute."""
    return in_local_zone(moment).strftime("%Y-%m-%d %H:%M")


def in_local_zone(moment: datetime) -> datetime:
    """Return a time in the zone of this place, or as it is where that has no such time.

    A store of 1.0.0 may hold times of the last hours of the year 9999.
    """
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment


def _size(text: str) -> int:
    """Return a text's bytes of UTF-8, with those of the separator that follows it."""
    return len(text.encode()) + 2
