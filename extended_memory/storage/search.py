"""A search as every store answers it: its index is ranked, then the contexts are fetched."""

from collections.abc import Callable, Mapping, Sequence

from extended_memory.domain import Context, FoundContext, Match, SearchPage, Selection
from extended_memory.search.analyzer import spelling
from extended_memory.search.engine import Query, search
from extended_memory.search.index import SearchIndex


def found(
    index: SearchIndex,
    fetch: Callable[[Sequence[int]], Mapping[int, Context]],
    project: str,
    text: str,
    selection: Selection,
    *,
    limit: int,
    offset: int,
    unindexed: int,
) -> SearchPage:
    """Return a page of what a search finds.

    ``fetch`` gives the contexts of ids, as far as they are still there.
    """
    query = Query(project=project, text=text, limit=offset + limit, selection=selection)
    ranking = search(index, query)
    hits = ranking.hits[offset:]
    contexts = fetch([*(hit.id for hit in hits), *(one.context_id for one in ranking.suggestions)])
    return SearchPage(
        found=tuple(
            FoundContext(
                context=contexts[hit.id],
                score=hit.score,
                matches=tuple(
                    Match(word=match.word, taken_for=_written(contexts[hit.id], match.taken_for))
                    for match in hit.matches
                ),
            )
            for hit in hits
            if hit.id in contexts
        ),
        total=ranking.found,
        terms=ranking.terms,
        suggestions=tuple(
            dict.fromkeys(
                word
                for one in ranking.suggestions
                if one.context_id in contexts
                and (word := _written(contexts[one.context_id], one.term)) is not None
            )
        ),
        unindexed=unindexed,
    )


def _written(context: Context, term: str | None) -> str | None:
    """Return how a context or a tag of it writes a term; a date is in neither."""
    if term is None:
        return None
    spelled = (spelling(text, term) for text in (context.note.content, *context.note.tags))
    return next((word for word in spelled if word is not None), term)
