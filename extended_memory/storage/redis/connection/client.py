"""A client of redis-py for an address, with bounded waits, and the one policy of its retries.

redis-py's own defaults are no help here (measured with 8.1): ``from_url`` retries nothing,
``Redis(host=...)`` retries for a minute on a server that hangs, and a cluster's client repeats
what its connections have repeated already. So the clients retry nothing, and ``retry`` is put
around each step: a connection that is refused or lost, a server that loads its data, a cluster or
sentinels in the middle of a failover are tried again for two or three seconds, which covers a
restart. A server that does not answer in time is given up at once: a call ends within ten
seconds. Every step may run twice; the scripts see to it that the second run changes nothing.
"""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from extended_memory.errors import (
    StoreError,
)
from extended_memory.storage.redis.connection.address import Address

if TYPE_CHECKING:
    from redis import Redis
    from redis.cluster import RedisCluster
    from redis.retry import Retry


Client: TypeAlias = Any
"""redis-py's client of a server or a cluster: its types differ from release to release, and know
nothing of ``decode_responses``."""

TIMEOUT_SECONDS = 3.0
PATIENCE_SECONDS = 3.0
"""How long after its beginning a call may still begin a step again."""

CONNECTIONS = 64
"""More than FastMCP has worker threads, so that none waits for a connection."""

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5
_RETRIES = 12


def retry() -> "Retry":
    """Return what runs a step again where its fault may pass within seconds."""
    from redis import exceptions
    from redis.backoff import ExponentialWithJitterBackoff
    from redis.retry import Retry

    return Retry(
        ExponentialWithJitterBackoff(cap=_LONGEST_PAUSE_SECONDS, base=_FIRST_PAUSE_SECONDS),
        _RETRIES,
        supported_errors=(
            exceptions.ConnectionError,
            exceptions.ClusterDownError,
            exceptions.MasterDownError,
            exceptions.SlotNotCoveredError,
            exceptions.TryAgainError,
        ),
    )


def give_up_if_final(error: Exception) -> None:
    """Raise an error that looks like a lost connection and will not pass: who is not trusted."""
    from redis import exceptions

    if isinstance(
        error, (exceptions.AuthenticationError, exceptions.AuthorizationError)
    ) or isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        raise error


def new_client(address: Address) -> Client:
    """Return a client; it connects when it is first used, a cluster's at once.

    Raises:
        StoreError: a file that the address names is not there.
        redis.exceptions.RedisError: no node of a cluster answers.
    """
    import redis

    for name in ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"):
        # redis-py would say that the server cannot be reached.
        if name in address.options and not Path(address.options[name]).exists():
            raise StoreError(
                f"STORAGE_CONNECTION_STRING names a file in '{name}' that is not there.",
                remedy="correct its path.",
            )

    options = {
        "username": address.username,
        "password": address.password,
        "decode_responses": True,
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": _no_retry(),
        **address.options,
    }
    sentinel = {
        name: options.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in options
    }
    if address.kind == "cluster":
        return _cluster(address, options)
    options |= {"db": address.database, "max_connections": CONNECTIONS}
    if address.kind == "sentinel":
        return _behind_sentinel(address, options, sentinel)
    if address.kind == "socket":
        return redis.Redis(unix_socket_path=address.path, **options)
    host, port = address.hosts[0]
    return redis.Redis(host=host, port=port, ssl=address.tls, **options)


def _no_retry() -> "Retry":
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Retry(NoBackoff(), 0)


def _cluster(address: Address, options: dict[str, Any]) -> "RedisCluster":
    from redis.cluster import ClusterNode, RedisCluster

    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        ssl=address.tls,
        # A cluster that does not cover every slot still serves the projects of the others.
        require_full_coverage=False,
        **options,
    )


def _behind_sentinel(
    address: Address, options: dict[str, Any], sentinel: dict[str, Any]
) -> "Redis":
    from redis.sentinel import Sentinel

    of_sentinels = {
        name: options[name]
        for name in ("socket_timeout", "socket_connect_timeout", "decode_responses", "retry")
    }
    if address.tls:
        options["ssl"] = True
        of_sentinels |= {name: value for name, value in options.items() if name[:3] == "ssl"}
    sentinels = Sentinel(address.hosts, sentinel_kwargs=of_sentinels | sentinel)
    primary: Redis = sentinels.master_for(address.service, **options)
    return primary


def close_idle(client: Client) -> None:
    """Close the connections that no call uses; the others close with the last call that does."""
    from redis.cluster import RedisCluster

    servers = [client]
    if isinstance(client, RedisCluster):
        servers = [node.redis_connection for node in client.get_nodes() if node.redis_connection]
    for server in servers:
        server.connection_pool.disconnect(inuse_connections=False)
