"""The life of a webhook request: admit, claim, answer, store, send.

Sans I/O: plain data comes in and goes out, so it runs under any server and in any test.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeGuard
from urllib.parse import urlsplit

from ..config import Settings
from ..errors import ClaimLost, JournalError, JournalUnavailable, RequestRefused, StillRunning, Unauthorized
from ..events import Event, InboundMessage, StatusCallback
from ..logs import log_event
from ..routing import Router
from ..webhook import WebhookRequest, WebhookResponse
from .admission import Admission
from .answering import Answerer
from .auth import CHALLENGE
from .claims import Claim, Journal, Outcome, StoredReply
from .conversing import Conversing
from .hooks import NO_HOOKS, Hooks, Observer
from .log_lines import log_outcome
from .opt_outs import silence_for
from .replay_proofs import EFFECTS_HEADER, REPLAY_HEADER, ReplayProofs, effects_header
from .responses import empty_response, twiml_response, unavailable_response
from .turns import Conversations, OpenDialogs, Turn
from .wait_budget import TWILIO_WAIT_S, WaitBudget


class Receiver:
    """Answers webhooks with the handlers of a router.

    ``journal`` guarantees one answer per event; ``conversations`` keeps the state that handlers declare, and
    ``dialogs`` knows which questions are open; ``clock`` returns seconds; ``now`` returns seconds since 1970.
    """

    def __init__(
        self,
        router: Router,
        settings: Settings,
        *,
        journal: Journal | None = None,
        conversations: Conversations | None = None,
        dialogs: OpenDialogs | None = None,
        hooks: Hooks = NO_HOOKS,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.router = router
        self.settings = settings
        self.journal = journal
        self._refusal = _NO_JOURNAL
        self._bookkeeping = hooks.bookkeeping
        self._observer = hooks.observer
        self._admission = Admission(settings, now=now)
        self._conversing = Conversing(router, settings, conversations, dialogs)
        self._answerer = Answerer(router, settings, self._admission.status_urls, hooks, self._conversing)
        self._replay_proofs = ReplayProofs(settings.secret_keys, clock=now)
        self._clock = clock

    def detach_journal(self) -> None:
        """Answer without the journal from now on, for a command that must not write to it."""
        self._refusal = _DETACHED if self.journal else _NO_JOURNAL
        self.journal = None
        self._conversing.is_rehearsal = True

    def observe(self, observer: Observer) -> None:
        """Tell this observer what happens from now on, in place of the one before."""
        self._observer = observer

    def handle(self, request: WebhookRequest, read_body: Callable[[], bytes] | None = None) -> WebhookResponse:
        """Answer a request; nothing in it makes this raise.

        ``read_body`` returns the body of a request that was given without it, or raises MalformedRequest; it is not
        called if the credentials are wrong.
        """
        started = self._clock()
        self.router.begin_serving()
        is_replay = False
        try:
            by_token = self._admission.authenticate(request)
            if read_body:
                request = request._replace(body=read_body())
            is_replay = self._replay_proofs.accepts(request, self.settings.public_url)
            event = self._admission.admit(request, by_token=by_token)
            event = replace(event, replayed=True) if is_replay else event
            if request.method == "HEAD":
                return empty_response(request)
            outcome = self._answer(request, event, started, by_token=by_token)
        except RequestRefused as refused:
            return self._refuse(request, refused, keeps=not is_replay)
        seconds = self._clock() - started
        marked = _mark_overdue(event, outcome, seconds)
        log_outcome(event, marked, seconds)
        if self._observer and not is_replay:
            self._observer.count_webhook(event, marked, seconds)
        return _mark_replay(outcome) if is_replay else outcome.response

    def answer_in_turn(self, message: InboundMessage, base_url: str, turn: Turn) -> Outcome:
        """Return the outcome of a message that was postponed and whose turn has come; nothing of it is stored here."""
        started, called = self._clock(), urlsplit(base_url)
        request = WebhookRequest(
            endpoint="message",
            method="POST",
            scheme=called.scheme,
            host=called.netloc,
            prefix=called.path,
            target=self.settings.message_path,
        )
        self.router.begin_serving()
        outcome = self._answerer.answer_in_turn(request, message, turn)
        log_outcome(message, outcome, self._clock() - started)
        return outcome

    def _refuse(self, request: WebhookRequest, refused: RequestRefused, *, keeps: bool) -> WebhookResponse:
        """Answer with one plain line and log the reason; the request that fetches the challenge is not a refusal."""
        challenged = isinstance(refused, Unauthorized)
        is_probe = isinstance(refused, Unauthorized) and refused.is_probe
        fields = {"status": refused.status, "url": request.endpoint, "reason": refused.reason}
        log_event(logging.DEBUG if is_probe else logging.WARNING, "refused", fields)
        if self.journal and not is_probe and keeps:
            self.journal.keep_refusal(request, refused)
        if self._observer and not is_probe and keeps:
            self._observer.count_refusal(refused.status)
        return WebhookResponse.line(refused.status, refused.line, *([CHALLENGE] if challenged else []))

    def _answer(self, request: WebhookRequest, event: Event, started: float, *, by_token: bool) -> Outcome:
        """Return the outcome of an event that was admitted.

        Raises: Forbidden, before a handler has run.
        """
        journal = None if event.replayed else self.journal
        if request.endpoint == "fallback":
            return self._fall_back(request, event, journal, started)
        if journal is None:
            return self._answerer.answer(request, event, refusal="" if event.replayed else self._refusal)
        try:
            return self._answer_once(journal, request, event, started, by_token=by_token)
        except StillRunning as error:
            log_event(logging.WARNING, "journal", {"problem": error})
            return Outcome(WebhookResponse.line(503, "the first request is still being answered"), "still running")
        except JournalUnavailable as error:
            return self._answer_without(request, event, error)

    def _fall_back(self, request: WebhookRequest, event: Event, journal: Journal | None, started: float) -> Outcome:
        """Answer a request to the fallback URL; no handler runs, and no store is needed."""
        outcome = self._fallback_outcome(request, event)
        if journal is None:
            return outcome
        budget = WaitBudget(self.settings.wait_s, started, self._clock)
        with suppress(JournalError):
            claimed = budget.spend(lambda wait_s: self._stored_reply(journal, event, wait_s))
            if claimed is None:  # this may be the only request of the event
                claimed = budget.spend(lambda wait_s: journal.claim(request, event, wait_s=wait_s))
            if isinstance(claimed, StoredReply):
                return Outcome(claimed.response, "fallback", claimed.handler)
            outcome = self._unless_looping(claimed, outcome)
            stored = self._with_bookkeeping(event, outcome)
            journal.finish(claimed, stored, wait_s=budget.left_s(self._clock()))
        return outcome

    @staticmethod
    def _stored_reply(journal: Journal, event: Event, wait_s: float) -> Claim | StoredReply | None:
        return journal.stored_reply(event, wait_s=wait_s) if _may_repeat(event) else None

    def _fallback_outcome(self, request: WebhookRequest, event: Event) -> Outcome:
        """Return the apology for a message; silenced contacts and other events get an empty success."""
        if not isinstance(event, InboundMessage):
            return Outcome(empty_response(request), "fallback")
        if silence_for(event, self.settings):
            return Outcome(twiml_response(), "fallback")
        return self._answerer.apology("fallback")

    def _answer_once(
        self, journal: Journal, request: WebhookRequest, event: Event, started: float, *, by_token: bool
    ) -> Outcome:
        """Claim an event, answer it, store the answer; a repeated event gets the stored answer.

        Raises: StillRunning; JournalUnavailable; Forbidden, before a handler has run.
        """
        budget = WaitBudget(self.settings.wait_s, started, self._clock)
        claimed = budget.spend(lambda wait_s: journal.claim(request, event, wait_s=wait_s, by_token=by_token))
        if isinstance(claimed, StoredReply):
            return Outcome(claimed.response, "repeated", claimed.handler)
        if (claimed.late or claimed.metadata) and isinstance(event, StatusCallback):
            event = replace(event, late=claimed.late, metadata=claimed.metadata or {})
        try:
            outcome = self._unless_looping(claimed, self._answerer.answer(request, event, budget=budget))
        except BaseException:  # the worker or the thread is ending: a retry must not find the event claimed
            with suppress(JournalError):
                wait_s = budget.left_s(self._clock())
                journal.fail(claimed, Outcome(WebhookResponse(status=500), "failed"), wait_s=wait_s)
            raise
        now = self._clock()
        seconds = now - started
        outcome = _mark_overdue(event, outcome, seconds)._replace(milliseconds=seconds * 1000)
        try:
            return self._store(journal, claimed, event, outcome, budget.left_s(now))
        finally:
            if outcome.turn:
                outcome.turn.give_up()

    def _unless_looping(self, claim: Claim, outcome: Outcome) -> Outcome:
        if claim.recent_digests.get(outcome.digest, 0) < self.settings.loop_limit:
            return outcome
        return outcome._replace(response=twiml_response(), name="looping")

    def _with_bookkeeping(self, event: Event, outcome: Outcome) -> Outcome:
        effects = self._bookkeeping(event)
        return outcome._replace(effects=(*outcome.effects, *effects)) if effects else outcome

    def _store(self, journal: Journal, claim: Claim, event: Event, outcome: Outcome, wait_s: float) -> Outcome:
        """Store the answer before it is sent; if that fails it is not sent, unless the settings allow it."""
        stored = self._with_bookkeeping(event, outcome)
        try:
            if outcome.response.status >= 500:
                journal.fail(claim, stored, wait_s=wait_s)
            else:
                journal.finish(claim, stored, wait_s=wait_s)
        except ClaimLost as error:
            log_event(logging.ERROR, "journal", {"problem": error})
            return Outcome(
                WebhookResponse.line(503, "another worker is answering this event"), "claim lost", outcome.handler
            )
        except JournalUnavailable as error:
            log_event(logging.ERROR, "journal", {"problem": error})
            if self.settings.store_failure == "refuse" or outcome.effects:  # nothing else would remember the effects
                return Outcome(unavailable_response(), "journal unavailable")
        else:
            for effect in stored.effects:
                effect.committed()
            if outcome.turn:
                outcome.turn.committed()
        return outcome

    def _answer_without(self, request: WebhookRequest, event: Event, error: JournalUnavailable) -> Outcome:
        log_event(logging.ERROR, "journal", {"problem": error})
        if self.settings.store_failure == "refuse":
            return Outcome(unavailable_response(), "journal unavailable")
        return self._answerer.answer(request, event, refusal=f"the journal is not available ({error})")


_NO_JOURNAL = "the application has no journal; set TWIML_DATABASE_URL"
_DETACHED = "this command stores nothing; try it with `twiml-app dev` or in a test"
#: Outcomes of a message whose handlers succeeded.
_ANSWERED = ("replied", "silent", "opted out")


def _mark_overdue(event: Event, outcome: Outcome, seconds: float) -> Outcome:
    """Return the outcome, named ``overdue`` if a message was answered when Twilio no longer waited."""
    if seconds <= TWILIO_WAIT_S or outcome.name not in _ANSWERED or not isinstance(event, InboundMessage):
        return outcome
    return outcome._replace(name="overdue")


def _mark_replay(outcome: Outcome) -> WebhookResponse:
    """Return an answer that says that no real event was handled, and what would have been stored."""
    effects = [(EFFECTS_HEADER, effects_header(outcome.effects))] if outcome.effects else []
    return replace(outcome.response, headers=(*outcome.response.headers, (REPLAY_HEADER, "yes"), *effects))


def _may_repeat(event: Event) -> TypeGuard[InboundMessage]:
    """Return whether the stored answer may be sent again: after a document error, the same bytes would fail again."""
    if not isinstance(event, InboundMessage):
        return False
    code = event.error_code or 0
    return not (12100 <= code < 12400 or 14100 <= code < 14200)
