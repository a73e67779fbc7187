"""Contexts of every kind that a store can hold, for properties."""

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from extended_memory.domain import Context, Revision, from_milliseconds
from extended_memory.names import adopted_project, normalise_tags

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


@st.composite
def histories(draw: st.DrawFn) -> tuple[Context, tuple[Revision, ...], datetime | None]:
    """Draw a context, all it was before, and since when it is in the trash."""
    created = draw(_TIMES)
    revisions: list[Revision] = []
    at = created
    for number in range(1, draw(st.integers(0, 3)) + 1):
        at += timedelta(milliseconds=draw(st.integers(1, 10**9)))
        revisions.append(
            Revision(
                number=number,
                content=draw(CONTENTS),
                importance=draw(st.integers(1, 10)),
                tags=draw(_TAGS),
                replaced_at=at,
            )
        )
    context = Context(
        id=draw(st.integers(1, 2**53 - 1)),
        project=draw(_NAMES.map(adopted_project)),
        content=draw(CONTENTS),
        importance=draw(st.integers(1, 10)),
        tags=draw(_TAGS),
        created_at=created,
        updated_at=at if revisions else None,
    )
    return context, tuple(revisions), draw(st.none() | _TIMES)


def example(**changes: object) -> Context:
    """Return a plain context, but for what is named."""
    plain: dict[str, object] = {
        "id": 7,
        "project": "web shop",
        "content": "Orders are stored in PostgreSQL.",
        "importance": 9,
        "tags": ("database", "decision"),
        "created_at": datetime(2026, 11, 23, 9, 15, 0, 250_000, timezone.utc),
    }
    return Context(**(plain | changes))  # type: ignore[arg-type]
