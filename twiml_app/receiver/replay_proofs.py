"""Proof that a request is the replay of a recording, made with the application's own key.

A replay runs its handler again, past the journal and the loop limit, so a header that anybody can add is not enough.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from itsdangerous import Signer

from ..pending import Effect
from ..webhook import WebhookRequest

#: Marks a request as the replay of a recording, which is neither claimed nor stored; an answer to a replay has it too.
REPLAY_HEADER = "X-Twiml-Replay"
_HEADER = REPLAY_HEADER.lower()
#: What a replayed handler asked for besides its reply, as JSON, in the answer to a replay: nothing of it is stored.
EFFECTS_HEADER = "X-Twiml-Effects"
#: HTTP clients read at most 64 kB of a header.
_MOST_CHARACTERS = 30_000
#: How long a proof is accepted, and how far the clock of its maker may be ahead, in seconds.
LIFETIME_S = 60
#: How many used proofs are remembered.
MAX_USED = 10_000

_PROOF = re.compile(r"(([0-9]{1,12})\.([A-Za-z0-9_-]{22}))\.([A-Za-z0-9_-]{43})")


class ReplayProofs:
    """Makes and checks the values of the replay header; each works once, for one method, target and body.

    A proof works once per process: each worker remembers those that it has accepted, ``max_used`` of them. ``clock``
    returns seconds since 1970.
    """

    def __init__(
        self, secret_keys: Iterable[str], *, clock: Callable[[], float] = time.time, max_used: int = MAX_USED
    ) -> None:
        # itsdangerous signs with the last key and verifies with each of them.
        self._signer = Signer(list(reversed([*secret_keys])), salt="twiml_app.replay", digest_method=hashlib.sha256)
        self._clock = clock
        self._used = _UsedProofs(max_used)

    def make(self, method: str, target: str, body: bytes) -> str:
        """Return a proof for one request; ``target`` is path and query as they are sent."""
        stamp = f"{int(self._clock())}.{secrets.token_urlsafe(16)}"
        return f"{stamp}.{self._signer.get_signature(_document(stamp, method, target, body)).decode()}"

    def accepts(self, request: WebhookRequest, public_url: str = "") -> bool:
        """Return whether a request carries a valid proof, and use it up.

        The target may be the one of the public URL: a proxy in between may have removed the path of that URL.
        """
        given = request.headers.get(_HEADER)
        found = _PROOF.fullmatch(given) if given else None
        if found is None:
            return False
        stamp, made_at, nonce, signature = found.groups()
        now = self._clock()
        if abs(now - int(made_at)) > LIFETIME_S:
            return False
        public = "/" + request.called_url(public_url).partition("://")[2].partition("/")[2]
        documents = (_document(stamp, request.method, target, request.body) for target in {request.target, public})
        is_valid = any(self._signer.verify_signature(document, signature) for document in documents)
        return is_valid and self._used.add(nonce, int(made_at), now)


def _document(stamp: str, method: str, target: str, body: bytes) -> bytes:
    text = f"{stamp}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
    return text.encode("utf-8", "surrogateescape")


def effects_header(effects: Sequence[Effect]) -> str:
    """Return the value of the header; what would be too long is replaced by its digest."""
    written = json.dumps([effect.described() for effect in effects])
    if len(written) <= _MOST_CHARACTERS:
        return written
    return json.dumps([{"kind": f"{len(effects)} effects", "sha256": hashlib.sha256(written.encode()).hexdigest()}])


class _UsedProofs:
    """The used proofs that have not expired, at most so many; with more, those made before the rest expire early."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._made_at: dict[str, int] = {}
        self._forgotten_at = 0

    def add(self, nonce: str, made_at: int, now: float) -> bool:
        """Remember a proof, and return whether it was new."""
        with self._lock:
            if nonce in self._made_at or made_at <= self._forgotten_at:
                return False
            self._made_at[nonce] = made_at
            self._forget(now)
            return True

    def _forget(self, now: float) -> None:
        """Forget the first proofs that have expired, or that are too many: these cannot be used again either."""
        while True:  # until the proof that was just added, at the latest
            nonce, made_at = next(iter(self._made_at.items()))
            is_expired = now - made_at > LIFETIME_S
            if not is_expired and len(self._made_at) <= self._most:
                return
            del self._made_at[nonce]
            if not is_expired:
                self._forgotten_at = max(self._forgotten_at, made_at)
