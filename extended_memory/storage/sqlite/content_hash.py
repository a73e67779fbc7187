"""A short hash of a content, to find an equal one through an index."""

from hashlib import blake2b


def content_hash(content: str) -> int:
    """Return the first eight bytes of BLAKE2b (RFC 7693) as a signed 64-bit integer.

    Stored in the database: it must never change. Contents of equal hashes are compared in full.
    """
    return int.from_bytes(blake2b(content.encode(), digest_size=8).digest(), "big", signed=True)
