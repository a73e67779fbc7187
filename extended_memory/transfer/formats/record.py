"""One context as both of our forms write it: its fields, and their checks when it comes back."""

from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import pairwise
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from extended_memory.domain import (
    MAXIMUM_IMPORTANCE,
    MAXIMUM_INTEGER,
    MINIMUM_IMPORTANCE,
    TIME_BOUNDS,
    Note,
    PortableContext,
    Revision,
    can_be_stored,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.names import adopted_project, normalise_tags
from extended_memory.transfer.formats.item import Found
from extended_memory.transfer.origins import origin_of

BEYOND_BOUNDS = f"a time must be {TIME_BOUNDS}"


def values_of(context_id: int, context: PortableContext) -> dict[str, Any]:
    """Return the fields of a context that has this id in its store."""
    return {
        "id": context_id,
        "project": context.project,
        "content": context.note.content,
        "importance": context.note.importance,
        "tags": list(context.note.tags),
        "created_at": moment(context.created_at),
        "updated_at": context.updated_at and moment(context.updated_at),
        "revisions": [
            {
                "number": revision.number,
                "content": revision.note.content,
                "importance": revision.note.importance,
                "tags": list(revision.note.tags),
                "replaced_at": moment(revision.replaced_at),
            }
            for revision in context.revisions
        ],
        "forgotten_at": context.forgotten_at and moment(context.forgotten_at),
    }


def moment(time: datetime) -> str:
    """Return a time as it is written: ISO 8601 in UTC, to the millisecond."""
    written = time.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def reason(error: ValidationError) -> str:
    """Say in a few words what is wrong with a record, and nothing of what it holds."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return "it is no JSON"
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else first["msg"]


def _in_milliseconds(time: datetime) -> datetime:
    if not can_be_stored(time):
        raise PydanticCustomError("time", "{why}", {"why": BEYOND_BOUNDS})
    return from_milliseconds(to_milliseconds(time))


def _unique(tags: Sequence[str]) -> tuple[str, ...]:
    return normalise_tags(tags)


_Time = Annotated[AwareDatetime, AfterValidator(_in_milliseconds)]
_Importance = Annotated[int, Field(ge=MINIMUM_IMPORTANCE, le=MAXIMUM_IMPORTANCE)]
_Tags = Annotated[tuple[str, ...], AfterValidator(_unique)]


class _Revision(BaseModel):
    """A revision of a context."""

    number: Annotated[int, Field(ge=1)]
    content: str
    importance: _Importance
    tags: _Tags
    replaced_at: _Time


class Record(BaseModel):
    """A context as it was exported; what a later release may add is passed over.

    Sizes are not checked: what an older store holds may be larger than a save is today.
    ``origin`` is given where it cannot be told from the rest, because texts are missing.
    """

    model_config = ConfigDict(frozen=True)

    id: Annotated[int, Field(ge=1, le=MAXIMUM_INTEGER)]
    project: Annotated[str, AfterValidator(adopted_project)]
    content: str
    importance: _Importance
    tags: _Tags
    created_at: _Time
    updated_at: _Time | None = None
    revisions: tuple[_Revision, ...] = ()
    forgotten_at: _Time | None = None
    origin: str = ""

    @model_validator(mode="after")
    def _one_after_another(self) -> Self:
        times = [revision.replaced_at for revision in self.revisions]
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("its revisions are not in the order of their times")
        if times and times[-1] != self.updated_at:
            raise ValueError("it was not updated when its last revision was replaced")
        return self

    def found(self, place: str) -> Found:
        """Return the context as something that was found in a source."""
        revisions = tuple(
            Revision(
                number=revision.number,
                note=Note(
                    content=revision.content, importance=revision.importance, tags=revision.tags
                ),
                replaced_at=revision.replaced_at,
            )
            for revision in self.revisions
        )
        context = PortableContext(
            origin=self.origin or origin_of(self.id, self.created_at, self.content, revisions),
            project=self.project,
            note=Note(content=self.content, importance=self.importance, tags=self.tags),
            created_at=self.created_at,
            updated_at=self.updated_at,
            revisions=revisions,
            forgotten_at=self.forgotten_at,
        )
        return Found(place=place, context=context, own_id=self.id)
