"""Proofs of a replay: each works once, for one request, within a minute, and only with the application's key."""

from __future__ import annotations

import hashlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.receiver.programs import text
from twiml_app.receiver import replay_proofs
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.replay_proofs import LIFETIME_S, REPLAY_HEADER, ReplayProofs
from twiml_app.webhook import WebhookRequest

NOW = 1_800_000_000.0


def proofs(*keys: str, now: float = NOW) -> ReplayProofs:
    """Return the proofs of an application or a command, at a time that does not move."""
    return ReplayProofs(keys or ["key"], clock=lambda: now)


def marked(request: WebhookRequest, proof: str) -> WebhookRequest:
    """Return a request with a value of the header."""
    return request._replace(headers={**request.headers, REPLAY_HEADER.lower(): proof})


def proof_of(request: WebhookRequest, *keys: str, now: float = NOW) -> str:
    """Return a proof for a request."""
    return proofs(*keys, now=now).make(request.method, request.target, request.body)


def test_proof_works_once() -> None:
    """Somebody who captured the replay of an order must not be able to order again."""
    application, request = proofs(), text("order 2 coffee")
    captured = marked(request, proof_of(request))

    assert [application.accepts(captured) for _ in range(50)] == [True] + [False] * 49


def test_proof_works_once_in_concurrent_requests() -> None:
    """The threads of a worker share the memory of used proofs."""
    application, request = proofs(), text("order 2 coffee")
    captured = marked(request, proof_of(request))
    barrier, accepted = threading.Barrier(8), list[bool]()

    def send() -> None:
        barrier.wait()
        accepted.append(application.accepts(captured))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(accepted) == [False] * 7 + [True]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"method": "GET"}, id="method"),
        pytest.param({"target": "/message?step=2"}, id="target"),
        pytest.param({"target": "/fallback"}, id="another URL"),
        pytest.param({"body": text("order 3 coffee").body}, id="body"),
    ],
)
def test_proof_is_for_one_request(change: dict[str, str]) -> None:
    """A captured proof must not carry another order."""
    request = text("order 2 coffee")

    assert not proofs().accepts(marked(request, proof_of(request))._replace(**change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "accepted"),
    [
        pytest.param(0, True, id="new"),
        pytest.param(LIFETIME_S, True, id="a minute old"),
        pytest.param(LIFETIME_S + 1, False, id="expired"),
        pytest.param(-LIFETIME_S, True, id="from a clock that is a minute ahead"),
        pytest.param(-LIFETIME_S - 1, False, id="from the future"),
    ],
)
def test_proof_lives_a_minute(age: float, accepted: bool) -> None:
    """A proof found in an old log is worth nothing; clocks of two machines differ a little."""
    request = text("hello")

    assert proofs().accepts(marked(request, proof_of(request, now=NOW - age))) is accepted


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [
        pytest.param(["old"], True, id="same key"),
        pytest.param(["new", "old"], True, id="with a newer key"),
        pytest.param(["new"], False, id="removed key"),
    ],
)
def test_proof_is_valid_as_long_as_its_key_is_listed(keys: list[str], accepted: bool) -> None:
    """During a rotation, a command may still have the old key."""
    request = text("hello")

    assert proofs(*keys).accepts(marked(request, proof_of(request, "old"))) is accepted


def test_newest_key_signs() -> None:
    """If an old key still signed, it could never be removed."""
    request = text("hello")

    assert proofs("new").accepts(marked(request, proof_of(request, "new", "old")))


def test_signature_of_a_status_url_is_not_a_proof() -> None:
    """A status URL is seen by proxies, and must not become the right to run handlers."""
    request = text("hello")
    stamp = proof_of(request).rpartition(".")[0]
    digest = hashlib.sha256(request.body).hexdigest()
    document = f"{stamp}\n{request.method}\n{request.target}\n{digest}"
    signature = StatusUrls(["key"], "/status")._signer.get_signature(document).decode()

    assert not proofs().accepts(marked(request, f"{stamp}.{signature}"))


@pytest.mark.parametrize(
    ("target", "prefix", "public_url", "called"),
    [
        pytest.param("/message?a=1", "", "", "/message?a=1", id="no proxy"),
        pytest.param("/sms/message", "/sms", "https://h.example", "/sms/message", id="mounted"),
        pytest.param("/message", "", "https://h.example/apps", "/apps/message", id="proxy that removes a path"),
        pytest.param("/message", "", "https://h.example/apps", "/message", id="past the proxy"),
        pytest.param("/me\udcff", "", "", "/me\udcff", id="not text"),
    ],
)
def test_target_is_the_one_that_was_called(target: str, prefix: str, public_url: str, called: str) -> None:
    """A proxy may remove the path of the public URL, and a replay may go around the proxy."""
    request = text("hello")._replace(target=target, prefix=prefix)
    proof = proofs().make(request.method, called, request.body)

    assert proofs().accepts(marked(request, proof), public_url)


def test_memory_of_used_proofs_is_bounded() -> None:
    """A long replay must not fill the memory, and a proof that was forgotten must not work again."""
    requests = [marked(text("hello"), proof_of(text("hello"), now=NOW + second)) for second in range(5)]
    application = ReplayProofs(["key"], clock=lambda: NOW + 5, max_used=3)

    assert [application.accepts(request) for request in requests] == [True] * 5
    assert len(application._used._made_at) == 3
    assert [application.accepts(request) for request in requests] == [False] * 5


def test_expired_proofs_are_forgotten() -> None:
    """A worker runs for months."""
    now = [NOW]
    application = ReplayProofs(["key"], clock=lambda: now[0])
    for _ in range(3):
        request = text("hello")
        assert application.accepts(marked(request, proof_of(request, now=now[0])))
        now[0] += LIFETIME_S + 1

    assert len(application._used._made_at) == 1


@given(st.text(max_size=120) | st.from_regex(replay_proofs._PROOF, fullmatch=True))
def test_no_header_raises_or_is_accepted_without_the_key(value: str) -> None:
    """Anybody can send any header."""
    assert not proofs().accepts(marked(text("hello"), value))
