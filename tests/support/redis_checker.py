"""Walks every key of a store in Redis and compares them with the bodies, by the layout's own words.

It knows the layout from the docstring of ``keys``, not from the code that writes it: what the
keys ought to hold is worked out anew from the bodies alone.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from extended_memory.search.analyzer import VERSION
from extended_memory.search.ranking import impacts

LEVEL = 2**43

ZSETS = frozenset("ztkrdxow")
HASHES = frozenset("me")

Scores = dict[str, float]
Postings = dict[str, dict[int, int]]
"""Of each term, the contexts with it and its impact there."""

Name = tuple[str, str]
"""A project, and within it a tag or nothing."""


def flaws(client: Any, prefix: str = "em", *, is_indexed: bool = True) -> list[str]:
    """Return what is wrong with a store, a sentence each: nothing, if it is sound.

    An id that was reserved and never stored is no flaw: a save that broke off leaves one. Unless
    all ``is_indexed``, a search may find only some contexts, but those exactly.
    """
    store = _Store(client, prefix, is_indexed)
    for key in client.scan_iter(match=f"{prefix}:*", count=1000):
        store.read(key)
    return [
        *store.found,
        *store.global_flaws(),
        *store.index_flaws(),
        *store.recent_flaws(),
        *store.past_flaws(),
        *store.moving_flaws(),
        *store.search_flaws(),
    ]


@dataclass
class _Store:
    client: Any
    prefix: str
    is_indexed: bool
    found: list[str] = field(default_factory=list)
    bodies: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    trashed: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    revisions: dict[str, dict[int, list[Any]]] = field(default_factory=lambda: defaultdict(dict))
    zsets: dict[str, dict[Name, Scores]] = field(default_factory=lambda: defaultdict(dict))
    hashes: dict[str, dict[str, dict[str, str]]] = field(default_factory=lambda: defaultdict(dict))
    moves: dict[str, dict[str, str]] = field(default_factory=dict)
    on_the_way: dict[str, dict[int, Any]] = field(default_factory=lambda: defaultdict(dict))
    owners: dict[int, str] = field(default_factory=dict)
    postings: dict[str, dict[str, list[tuple[int, int]]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def read(self, key: str) -> None:
        """Take in one key."""
        if self.client.ttl(key) != -1:
            self.found.append(f"{key} expires")
        kind, _, rest = key.removeprefix(f"{self.prefix}:").partition(":")
        if kind == "{g}":
            if rest.startswith("i:"):
                self._read_owners(key, int(rest[2:]))
            return
        tag, _, rest = rest.removeprefix("{").partition("}")
        project, rest = unquote(tag), rest.removeprefix(":")
        if kind in ZSETS:
            members = dict(self.client.zrange(key, 0, -1, withscores=True))
            self.zsets[kind][project, unquote(rest)] = members
        elif kind in HASHES:
            self.hashes[kind][project] = self.client.hgetall(key)
        elif kind == "p":
            self.postings[project][rest] = self._postings(key)
        elif kind in "cynv":
            self._read_context(kind, key, project, rest)
        else:
            self.found.append(f"{key} is no key of the layout")

    def _read_owners(self, key: str, number: int) -> None:
        for context_id, project in self.client.hgetall(key).items():
            if int(context_id) // 500 != number:
                self.found.append(f"{context_id} is noted in {key}")
            self.owners[int(context_id)] = project

    def _read_context(self, kind: str, key: str, project: str, rest: str) -> None:
        if kind == "v":
            revisions = [json.loads(entry) for entry in self.client.lrange(key, 0, -1)]
            self.revisions[project][int(rest)] = revisions
        elif not rest:
            self.moves[project] = self.client.hgetall(key)
        elif kind == "y":
            self.trashed[project][_member(int(rest))] = json.loads(self.client.get(key))
        else:
            place = self.bodies if kind == "c" else self.on_the_way
            place[project][int(rest)] = json.loads(self.client.get(key))

    def _postings(self, key: str) -> list[tuple[int, int]]:
        held: bytes = self.client.execute_command("GET", key, NEVER_DECODE=True)
        if len(held) % 6:
            self.found.append(f"{key} ends in the middle of a posting")
        numbers = [int.from_bytes(held[at : at + 6], "little") for at in range(0, len(held), 6)]
        return [(number % 2**32, number // 2**32) for number in numbers]

    def global_flaws(self) -> list[str]:
        """Compare the keys of the whole store with the bodies."""
        found = []
        sequence = int(self.client.get(f"{self.prefix}:{{g}}:seq") or 0)
        projects = self.client.smembers(f"{self.prefix}:{{g}}:projects")
        if self.bodies and self.client.hget(f"{self.prefix}:{{g}}:meta", "layout") != "1":
            found.append("the layout is not noted")
        for project, held in self.bodies.items():
            if project not in projects:
                found.append(f"{project} is not among the projects")
            times = [body["created_at"] for body in held.values()]
            times += [body["updated_at"] or body["created_at"] for body in held.values()]
            noted = self.hashes["m"].get(project, {"created_at": 2**53, "last_saved_at": -1})
            if int(noted["created_at"]) > min(times) or int(noted["last_saved_at"]) < max(times):
                found.append(f"the times of {project} are not those of its contexts")
            found += [
                f"{number} of {project} is not noted as given"
                for number in held
                if number > sequence or self.owners.get(number) != project
            ]
        return found

    def index_flaws(self) -> list[str]:
        """Compare the indexes of each project with its bodies."""
        expected: dict[str, dict[Name, Scores]] = {
            kind: defaultdict(lambda: defaultdict(float)) for kind in ("z", "t", "k")
        }
        for project, held in self.bodies.items():
            for number, body in held.items():
                score = float(body["importance"] * LEVEL + body["created_at"])
                expected["z"][project, ""][_member(number)] = score
                for tag in body["tags"]:
                    expected["t"][project, tag][_member(number)] = score
                    expected["k"][project, ""][tag] -= 1
        return [
            f"{kind} of {name} is not what the bodies say"
            for kind in expected
            for name in self.zsets[kind].keys() | expected[kind].keys()
            if self.zsets[kind].get(name, {}) != dict(expected[kind].get(name, {}))
        ]

    def recent_flaws(self) -> list[str]:
        """Compare what was done of late with what is there."""
        found = []
        for name in self.zsets["r"].keys() | self.zsets["d"].keys():
            recent = self.zsets["r"].get(name, {})
            saves = {entry for entry in recent if not entry.startswith("call:")}
            if self.zsets["d"].get(name, {}) != dict.fromkeys(saves, 0.0):
                found.append(f"r and d of {name} differ")
            there = self.zsets["z"].get(name, {}).keys()
            if gone := {entry.partition(":")[2] for entry in saves} - there:
                found.append(f"r of {name} names {gone}, which are gone")
        return found

    def past_flaws(self) -> list[str]:
        """Compare the trash and the revisions with what they are of."""
        found = []
        for project in self.trashed.keys() | {name for name, _ in self.zsets["x"]}:
            if self.zsets["x"].get((project, ""), {}).keys() != self.trashed[project].keys():
                found.append(f"the trash of {project} is not what it lists")
            both = self.trashed[project].keys() & {_member(n) for n in self.bodies[project]}
            found += [f"{name} of {project} is in the trash and not" for name in both]
        for project, revised in self.revisions.items():
            for number, entries in revised.items():
                body = (
                    self.bodies[project].get(number)
                    or self.trashed[project].get(_member(number))
                    or self.on_the_way[project].get(number)
                )
                moments = [entry["replaced_at"] for entry in entries]
                if body is None or moments != sorted(set(moments)):
                    found.append(f"the revisions of {number} are of nothing or in no order")
                elif body["updated_at"] != moments[-1]:
                    found.append(f"{number} was changed and its revision says another time")
        return found

    def moving_flaws(self) -> list[str]:
        """Compare what is on its way with what is noted, and look for what is in two projects."""
        found = []
        here = {
            project: {*map(_member, self.bodies[project]), *self.trashed[project]}
            for project in {*self.bodies, *self.trashed, *self.moves, *self.on_the_way}
        }
        for project, members in here.items():
            noted = self.moves.get(project, {})
            left = {name for name, note in noted.items() if note}
            if left != {_member(number) for number in self.on_the_way[project]}:
                found.append(f"what has left {project} is not what is noted of it")
            found += [f"{name} has left {project} and is there" for name in left & members]
        counted = Counter(name for members in here.values() for name in members)
        return found + [
            f"{name} is in {count} projects" for name, count in counted.items() if count > 1
        ]

    def search_flaws(self) -> list[str]:
        """Compare what a search finds by with the bodies it finds."""
        found = []
        for project in {*self.bodies, *self.postings, *(name for name, _ in self.zsets["w"])}:
            timeline = self.zsets["o"].get((project, ""), {})
            held = {_member(number): body for number, body in self.bodies[project].items()}
            if self.is_indexed and timeline.keys() != held.keys():
                found.append(f"a search of {project} does not find each context, or another one")
            if self.hashes["m"].get(project, {}).get("analyzer") == str(VERSION):
                indexed = {name: held[name] for name in timeline if name in held}
                if timeline != {name: body["created_at"] for name, body in indexed.items()}:
                    found.append(f"the timeline of {project} is not that of its contexts")
                found += self._postings_flaws(project, _expected(indexed))
        return found

    def _postings_flaws(self, project: str, expected: Postings) -> list[str]:
        found, empty = [], {}
        for term, postings in self.postings[project].items():
            filled = [each for each in postings if each != (0, 0)]
            if count := len(postings) - len(filled):
                empty[term] = str(count)
            if sorted(filled) != sorted(expected.get(term, {}).items()):
                found.append(f"the postings of {term} in {project} are not what bodies say")
            if count and (count == len(postings) or len(postings) <= 100):
                found.append(f"{count} of the postings of {term} in {project} are empty")
        if self.postings[project].keys() != expected.keys():
            found.append(f"{project} has postings of other terms than its contexts have")
        if self.zsets["w"].get((project, ""), {}) != dict.fromkeys(expected, 0.0):
            found.append(f"the vocabulary of {project} is not that of its contexts")
        if self.hashes["e"].get(project, {}) != empty:
            found.append(f"the empty postings of {project} are not counted right")
        return found


def _expected(held: dict[str, dict[str, Any]]) -> Postings:
    """Return the postings of contexts, given their bodies by member."""
    expected: Postings = defaultdict(dict)
    for name, body in held.items():
        age = timedelta(milliseconds=body["created_at"])
        created_at = datetime(1970, 1, 1, tzinfo=timezone.utc) + age
        for term, impact in impacts(body["content"], body["tags"], created_at).items():
            expected[term][int(name[1:])] = impact
    return expected


def _member(number: int) -> str:
    return chr(ord("a") + len(str(number)) - 1) + str(number)
