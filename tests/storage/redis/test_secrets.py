"""A password works whatever is in it, and is seen by nobody; a connection by TLS is as good."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from extended_memory.errors import StoreError
from extended_memory.settings import RedisLocation
from extended_memory.storage.backends import open_repository
from extended_memory.storage.redis.connection.address import parse
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import load, save
from tests.support.redis_calls import end, ends, prepare, unlike
from tests.support.redis_faults import down
from tests.support.redis_servers import RedisServer, TlsProxy

PASSWORDS = ["p@ss/w:rd%", "?a=b&c#d", "[::1]", "pässwörd ☂", "%41%2F", "{}'\"\\"]
USER = "us@er:%"


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    with RedisServer(tcp=True) as server:
        yield server


@pytest.fixture(params=PASSWORDS)
def password(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(running: RedisServer, password: str) -> Iterator[RedisServer]:
    """Give a server that asks for the password, of the default user and of another one."""
    with running.client() as client:
        client.flushall()
        rules = ("reset", "on", f">{password}", "~*", "+@all")
        client.execute_command("ACL", "SETUSER", USER, *rules)
        client.config_set("requirepass", password)
        yield running
        client.config_set("requirepass", "")


def written(text: str) -> str:
    return quote(text, safe="")


URLS: dict[str, Callable[[RedisServer, str], str]] = {
    "password": lambda server, secret: f"redis://:{secret}@127.0.0.1:{server.port}/0",
    "user": lambda server, secret: f"redis://{written(USER)}:{secret}@127.0.0.1:{server.port}",
    "option": lambda server, secret: f"redis://127.0.0.1:{server.port}?password={secret}",
    "socket": lambda server, secret: f"unix://:{secret}@{server.socket}",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_password_works_and_is_in_no_sentence_no_log_and_no_repr(
    server: RedisServer,
    password: str,
    url: Callable[[RedisServer, str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    secrets = {password, written(password)}

    right = url(server, written(password))
    location = RedisLocation(url=right)
    with closing(open_repository(location)) as repository:
        saved = save(repository, "note")
        assert load(repository).contexts == (saved,)
        assert isinstance(repository, RedisRepository)
        shown += map(
            repr, (location, parse(right), repository, repository._store, repository._store.keys)
        )
        shown += map(str, (location, parse(right), repository))

    for secret in (written(password + "x"), "x" + written(password)):
        with closing(RedisRepository(url(server, secret), key_prefix="em")) as stranger:
            with pytest.raises(StoreError, match="refuses the user name or password") as refusal:
                stranger.prepare()
            shown += [str(refusal.value), *traceback.format_exception(refusal.value)]

    shown += [caplog.text]
    # pytest does not show a secret either: only how many times it was seen.
    assert [sum(secret in each for each in shown) for secret in secrets] == [0] * len(secrets)


def test_a_password_that_is_missing_is_a_sentence(server: RedisServer) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        assert unlike(ends(repository), "refuses the user name or password") == {}


@pytest.mark.long
def test_a_password_is_in_no_sentence_when_the_server_is_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with RedisServer(tcp=True) as server:
        url = f"redis://:{written(PASSWORDS[0])}@127.0.0.1:{server.port}/0"
        with closing(RedisRepository(url, key_prefix="em")) as repository, down(server):
            refused = end(prepare, repository)
    assert refused.refuses_with("cannot be reached")
    for secret in (PASSWORDS[0], written(PASSWORDS[0])):
        assert secret not in refused.sentence + caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "redis://:12?hidden@127.0.0.1:1/0",
        "redis://user:12?hidden=1@127.0.0.1:1/0",
        "redis://:hid/den@127.0.0.1:1/0/1/hidden",
        "redis://:hid#hidden@127.0.0.1:1/x",
        "unix://:12?hidden@/run/redis.sock",
        "redis://127.0.0.1:1/0?password=a&hidden=1",
        "redis+sentinel://:12?hidden@127.0.0.1:1/service",
        "redis+cluster://:hidden@127.0.0.1:1,127.0.0.1:hidden",
    ],
)
def test_a_password_that_is_not_percent_encoded_is_not_repeated(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        closing(RedisRepository(url, key_prefix="em")) as repository,
        pytest.raises(StoreError) as refusal,
    ):
        repository.prepare()
    assert "hidden" not in str(refusal.value) + caplog.text
    assert "hidden" not in "".join(traceback.format_exception_only(refusal.value))


@pytest.fixture(scope="module")
def tls(running: RedisServer) -> Iterator[TlsProxy]:
    with TlsProxy(running) as proxy:
        yield proxy


def test_a_store_is_reached_by_tls(tls: TlsProxy) -> None:
    with closing(RedisRepository(tls.url(), key_prefix="tls")) as repository:
        saved = save(repository, "note" * 10_000)
        assert load(repository).contexts == (saved,)


WRONG_TLS: dict[str, tuple[Callable[[TlsProxy, RedisServer], str], str]] = {
    "unknown authority": (
        lambda tls, _: f"rediss://localhost:{tls.port}/0",
        "certificate that is not trusted: add \\?ssl_ca_certs=",
    ),
    # A name that leads to this machine and is not in the certificate.
    "another name": (lambda tls, _: tls.url("127.1"), "certificate"),
    "no file": (
        lambda tls, _: f"rediss://localhost:{tls.port}/0?ssl_ca_certs=/nowhere/ca.crt",
        "ssl_ca_certs",
    ),
    "no TLS there": (lambda _, server: f"rediss://127.0.0.1:{server.port}/0", "rediss://"),
    "TLS there": (lambda tls, _: f"redis://localhost:{tls.port}/0", "rediss://"),
}


@pytest.mark.long(but=1)
@pytest.mark.parametrize(("url", "words"), WRONG_TLS.values(), ids=WRONG_TLS)
def test_wrong_tls_is_a_sentence_with_the_remedy(
    tls: TlsProxy, running: RedisServer, url: Callable[[TlsProxy, RedisServer], str], words: str
) -> None:
    with closing(RedisRepository(url(tls, running), key_prefix="em")) as repository:
        assert end(prepare, repository).refuses_with(words)
