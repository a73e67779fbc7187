"""The names of the keys, and what lies under them: the layout of a store in Redis.

``em`` stands for the prefix, ``<P>`` for a project's name and ``<T>`` for a tag, both
percent-encoded (RFC 3986), so that no name can end a hash tag or reach another's key. All keys of
a project are in one hash slot, so that a script may change them together on a cluster as well;
the few that span projects share the slot of ``{g}``.

======================  ======  ==================================================================
``em:{g}:meta``         HASH    ``layout``: the version of this list, ``release``: who wrote it
``em:{g}:seq``          STRING  the highest id that was ever given
``em:{g}:i:<id//500>``  HASH    id -> name of its project; small hashes stay packed, 21 bytes an id
``em:{g}:projects``     SET     names of projects, also of those that hold nothing any more
``em:{g}:origins``      HASH    where an imported context came from -> the id it was given,
                                ``pending:<id>`` until it is stored
``em:c:{<P>}:<id>``     STRING  a context, as JSON (``bodies``)
``em:z:{<P>}``          ZSET    the project's contexts
``em:t:{<P>}:<T>``      ZSET    the project's contexts with that tag
``em:k:{<P>}``          ZSET    tag -> minus the number of its contexts, so that a range by score
                                comes most used first and then by name
``em:m:{<P>}``          HASH    ``created_at``, ``last_saved_at``: milliseconds since 1970;
                                ``analyzer``: the version whose terms the search index holds
``em:r:{<P>}``          ZSET    what was done within the hour -> its time: ``<digest>:<member>`` of
                                a save, ``call:<token>`` of a call that changed a context
``em:d:{<P>}``          ZSET    the same of saves, all with score 0, to find a digest in
``em:x:{<P>}``          ZSET    the project's trash -> since when it is there
``em:y:{<P>}:<id>``     STRING  a context in the trash, as it was
``em:v:{<P>}:<id>``     LIST    what a context was before each change, the oldest first, as JSON
``em:n:{<P>}``          HASH    what moves between projects: id -> ``<since>:<name>`` of one that
                                has left for that project, since when it was in the trash before;
                                id -> "" of one that has arrived here, while it is noted there
``em:n:{<P>}:<id>``     STRING  a context that has left and not arrived, as it was
``em:o:{<P>}``          ZSET    the contexts that a search finds, by ``created_at``
``em:w:{<P>}``          ZSET    the terms of those contexts, all with score 0
``em:p:{<P>}:<term>``   STRING  the postings of a term, in no order
``em:e:{<P>}``          HASH    term -> how many of its postings are empty, where some are
======================  ======  ==================================================================

In the ZSETs of contexts the score is ``importance * 2**43 + created_at``, exact below 2**53 until
the year 2248, so that one importance is one range by score, oldest first; the member is the id
with its number of digits in front (``members``), so that equal times sort by id. A filter by
project or tag is a key, never a condition; nothing here expires by itself.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

LAYOUT = 1
"""The version of the layout; a store with a higher one is not touched."""

LEVEL = 2**43
"""The worth of an importance in the score of a context."""

IDS_PER_HASH = 500
"""Redis and Valkey keep a hash of up to 512 short fields packed."""


class Keys:
    """The keys of a store with one prefix."""

    def __init__(self, prefix: str) -> None:
        self.meta = f"{prefix}:{{g}}:meta"
        self.sequence = f"{prefix}:{{g}}:seq"
        self.projects = f"{prefix}:{{g}}:projects"
        self.origins = f"{prefix}:{{g}}:origins"
        self.prefix = prefix

    def of_ids(self, bucket: int) -> list[str]:
        """Return every key that giving an id of a bucket touches, in the order of the scripts."""
        return [self.sequence, self.projects, self.project_of(bucket), self.meta]

    def project_of(self, bucket: int) -> str:
        """Return the key of the hash that says which project an id of this bucket is in."""
        return f"{self.prefix}:{{g}}:i:{bucket}"

    def body(self, project: str, context_id: int) -> str:
        """Return the key of a context."""
        return f"{self._of('c', project)}:{context_id}"

    def contexts(self, project: str) -> str:
        """Return the key of a project's contexts."""
        return self._of("z", project)

    def tagged(self, project: str, tags: Sequence[str]) -> list[str]:
        """Return the keys of a project's contexts by tag."""
        return [f"{self._of('t', project)}:{quote(tag, safe='')}" for tag in tags]

    def tag_counts(self, project: str) -> str:
        """Return the key of a project's tags."""
        return self._of("k", project)

    def trash(self, project: str) -> str:
        """Return the key of a project's trash."""
        return self._of("x", project)

    def trashed(self, project: str, context_id: int) -> str:
        """Return the key of a context in the trash."""
        return f"{self._of('y', project)}:{context_id}"

    def revisions(self, project: str, context_id: int) -> str:
        """Return the key of what a context was before."""
        return f"{self._of('v', project)}:{context_id}"

    def moves(self, project: str) -> str:
        """Return the key of what moves from a project and to it."""
        return self._of("n", project)

    def on_the_way(self, project: str, context_id: int) -> str:
        """Return the key of a context that has left a project and not arrived elsewhere."""
        return f"{self._of('n', project)}:{context_id}"

    def timeline(self, project: str) -> str:
        """Return the key of the contexts that a search finds, by time."""
        return self._of("o", project)

    def vocabulary(self, project: str) -> str:
        """Return the key of a project's terms."""
        return self._of("w", project)

    def postings(self, project: str, terms: Iterable[str]) -> list[str]:
        """Return the keys of the postings of terms."""
        beginning = self._of("p", project)
        return [f"{beginning}:{term}" for term in terms]

    def empty_postings(self, project: str) -> str:
        """Return the key of how many postings of each term are empty."""
        return self._of("e", project)

    def of_context(self, project: str, context_id: int) -> list[str]:
        """Return the keys that a change of a context touches, in the order of the scripts.

        Those of its tags and its terms come besides.
        """
        return [
            self.body(project, context_id),
            self.contexts(project),
            self.tag_counts(project),
            self.project(project),
            self.recent(project),
            self.digests(project),
            self.trash(project),
            self.trashed(project, context_id),
            self.revisions(project, context_id),
            self.timeline(project),
            self.vocabulary(project),
            self.empty_postings(project),
        ]

    def project(self, project: str) -> str:
        """Return the key of what is known about a project itself."""
        return self._of("m", project)

    def recent(self, project: str) -> str:
        """Return the key of what was done of late, to know a repetition by."""
        return self._of("r", project)

    def digests(self, project: str) -> str:
        """Return the key of what was saved of late, by digest."""
        return self._of("d", project)

    def _of(self, kind: str, project: str) -> str:
        return f"{self.prefix}:{kind}:{{{quote(project, safe='')}}}"


def bucket(context_id: int) -> int:
    """Return the number of the hash in which the project of an id is noted."""
    return context_id // IDS_PER_HASH


def member(context_id: int) -> str:
    """Return an id as a member of a ZSET: in byte order, members sort as the numbers do."""
    digits = str(context_id)
    return chr(ord("a") + len(digits) - 1) + digits


def id_of(member: str) -> int:
    """Return the id that a member stands for."""
    return int(member[1:])
