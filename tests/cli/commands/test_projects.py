"""``projects``, as a person runs it."""

from tests.support.commands import run


def test_projects_are_listed_the_one_saved_to_last_first(env: dict[str, str]) -> None:
    ended = run("projects", env=env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (
        "3\t2026-03-10 09:15\t2026-03-07 09:15\tshop\n"
        "1\t2026-03-09 09:15\t2026-03-09 09:15\thome lab\n"
    )
