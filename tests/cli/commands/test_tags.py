"""``tags``, as a person runs it."""

import json

from tests.support.commands import run


def test_tags_are_listed_the_most_used_first(env: dict[str, str]) -> None:
    ended = run("tags", "--project", "shop", "--limit", "1", env=env)
    assert ended.stdout == "2\tdecision\n"
    assert ended.stderr == "1 of 2 tags; --limit shows more.\n"
    ended = run("tags", "--project", "shop", "--json", env=env)
    assert json.loads(ended.stdout) == {
        "project_id": "shop",
        "tags": [{"tag": "decision", "count": 2}, {"tag": "database", "count": 1}],
        "total": 2,
    }
