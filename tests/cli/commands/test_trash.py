"""``trash``, as a person runs it."""

import json

from tests.support.commands import run
from tests.support.contexts import CONTENTS


def test_the_trash_lists_what_was_forgotten_of_every_project(env: dict[str, str]) -> None:
    run("forget", "1", "3", "--yes", env=env)
    lines = [line.split("\t") for line in run("trash", env=env).stdout.splitlines()]
    assert [(line[0], *line[3:]) for line in lines] == [
        ("3", "home lab", CONTENTS[2][1]),
        ("1", "shop", CONTENTS[0][1]),
    ]
    of_one = json.loads(run("trash", "--project", "shop", "--json", env=env).stdout)
    assert [(row["id"], row["content"]) for row in of_one["contexts"]] == [(1, CONTENTS[0][1])]
