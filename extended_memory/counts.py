"""A count with the noun that it counts, for a reader."""


def counted(count: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 context``, ``1,200 contexts``."""
    return f"{count:,} {noun(count, singular, plural)}"


def noun(count: int, singular: str, plural: str = "") -> str:
    """Return the noun in the form that a count asks for; most plurals are made with an s."""
    return singular if count == 1 else plural or f"{singular}s"
