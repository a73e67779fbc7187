"""Contexts of every kind that a store can hold, for properties."""

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from extended_memory.domain import Note, PortableContext, Revision, from_milliseconds
from extended_memory.names import adopted_project, normalise_tags
from extended_memory.transfer.origins import origin_of

_WHOLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CONTENTS = st.one_of(
    _WHOLE,
    st.lists(
        st.sampled_from(
            [
                "---\n",
                "---",
                "\r\n",
                "\n",
                "\0",
                "id: 1\n",
                "...",
                "# ",
                "\ufeff",
                "\u2028",
                "x",
                "ё",
            ]
        ),
        max_size=8,
    ).map("".join),
)
_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
_TAGS = st.lists(_NAMES, max_size=4).map(normalise_tags)
_TIMES = st.integers(0, 4_000_000_000_000).map(from_milliseconds)


IDS = st.integers(1, 2**53 - 1)


@st.composite
def exported(draw: st.DrawFn) -> tuple[int, PortableContext]:
    """Draw a context with its id, with all it was before, and perhaps in the trash."""
    context_id, created = draw(IDS), draw(_TIMES)
    revisions: list[Revision] = []
    at = created
    for number in range(1, draw(st.integers(0, 3)) + 1):
        at += timedelta(milliseconds=draw(st.integers(1, 10**9)))
        revisions.append(
            Revision(
                number=number,
                note=Note(
                    content=draw(CONTENTS), importance=draw(st.integers(1, 10)), tags=draw(_TAGS)
                ),
                replaced_at=at,
            )
        )
    content = draw(CONTENTS)
    return context_id, PortableContext(
        origin=origin_of(context_id, created, content, revisions),
        project=draw(_NAMES.map(adopted_project)),
        note=Note(content=content, importance=draw(st.integers(1, 10)), tags=draw(_TAGS)),
        created_at=created,
        updated_at=at if revisions else None,
        revisions=tuple(revisions),
        forgotten_at=draw(st.none() | _TIMES),
    )


EXAMPLE = PortableContext(
    origin=origin_of(
        7,
        datetime(2026, 11, 23, 9, 15, 0, 250_000, timezone.utc),
        "Orders are stored in PostgreSQL.",
    ),
    project="web shop",
    note=Note(
        content="Orders are stored in PostgreSQL.", importance=9, tags=("database", "decision")
    ),
    created_at=datetime(2026, 11, 23, 9, 15, 0, 250_000, timezone.utc),
)
"""A plain context, which has the id 7 in its store."""
