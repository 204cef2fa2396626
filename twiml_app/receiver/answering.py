"""Answer an event: find its handler, call it, build the reply. Exceptions of handlers are caught here."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ..alerts import Alert
from ..config import Settings
from ..enqueueing import enqueue_reply
from ..errors import CannotStore, ConfigurationError, ReplyError, StillRunning
from ..events import Event, InboundMessage, StatusCallback, with_media_source
from ..inbound_media import MediaSource
from ..logs import log_event, logger
from ..pending import Collection, Effect
from ..routing import CONVERSATION, Handler, Match, Router, name_of
from ..twiml import MessagingResponse
from ..verbs import Message
from ..webhook import WebhookRequest, WebhookResponse
from .auth import StatusUrls
from .claims import Outcome
from .file_urls import FileUrls, has_files, with_file_urls
from .opt_outs import opt_out_handlers, silence_for
from .replies import StatusUrl, to_document, to_response
from .responses import empty_response, twiml_response
from .suggestions import Suggestions
from .turns import Conversations, Turn
from .wait_budget import WaitBudget


class Answerer:
    """Answers events with the handlers of a router; ``on_exception`` is called with every exception they raise.

    ``media_source`` returns where the media files of a message come from, ``file_urls`` makes the URLs of local files.
    """

    def __init__(
        self,
        router: Router,
        settings: Settings,
        status_urls: StatusUrls,
        on_exception: Callable[[Exception], object],
        media_source: Callable[[InboundMessage], MediaSource] | None = None,
        file_urls: FileUrls | None = None,
        conversations: Conversations | None = None,
    ) -> None:
        #: Whether nothing may be stored, as in a replay.
        self.is_rehearsal = False
        self._conversations = conversations
        self._router = router
        self._media_source = media_source
        self._file_urls = file_urls
        self._settings = settings
        self._on_exception = on_exception
        self._status_urls = status_urls
        self._suggestions = Suggestions()
        self._apology = _read_apology(settings.apology)

    def answer(
        self, request: WebhookRequest, event: Event, *, refusal: str = "", budget: WaitBudget | None = None
    ) -> Outcome:
        """Return the outcome of an event; no exception of a handler makes this raise.

        ``refusal`` says why nothing can be stored that a handler asks for; it is empty if it can. ``budget`` limits how
        long a message waits for its turn in a conversation.

        Raises: JournalUnavailable, before a handler has run.
        """
        if isinstance(event, InboundMessage):
            with Collection(event, refusal=refusal) as collected:
                return self._reply(_Asked(request, event, collected, budget))
        if isinstance(event, StatusCallback | Alert):
            return self._notify(event, refusal)
        return Outcome(empty_response(request), event.kind)

    def _reply(self, asked: _Asked) -> Outcome:
        """Run the handler of a message; if it fails, answer with 500, so that Twilio turns to the fallback URL.

        Raises: JournalUnavailable.
        """
        message = asked.message
        silence = silence_for(message, self._settings)
        if silence == "blocked":
            return Outcome(twiml_response(), silence)
        if message.media and self._media_source:
            message = with_media_source(message, self._media_source(message))
            asked = asked._replace(message=message)
        if ended := self._note_opt_out(asked, silence):
            return ended
        handed_off = self._handed_off(asked)
        try:
            found = handed_off or self._router.match(message)
        except Exception as error:  # a predicate or a converter of the user
            return self._failed(error, "", message)
        if found is None and message.reaction:
            return Outcome(twiml_response(), "reaction")
        if found is None:
            self._suggestions.offer(message)
            return Outcome(twiml_response(), "unhandled")
        return self._converse(asked, found) if found.route.stateful else self._call(asked, found)

    def _note_opt_out(self, asked: _Asked, silence: str) -> Outcome | None:
        """Notify the handlers of a STOP, START or HELP word; return the outcome if the message ends with that."""
        handler = ""
        try:
            for notified in opt_out_handlers(self._router, asked.message):
                handler = name_of(notified)
                notified(asked.message)
        except Exception as error:  # whatever a handler raises, Twilio gets an answer
            return self._failed(error, handler, asked.message)
        effects = tuple(asked.collected.effects)
        return Outcome(twiml_response(), silence, handler, effects=effects) if silence else None

    def _handed_off(self, asked: _Asked) -> Match | None:
        """Return the match of a message that a person answers; without its handler, there is no query.

        Raises: JournalUnavailable.
        """
        route = self._router.handed_off_route
        stores = self._stores(asked)
        if route is None or self._conversations is None or (stores and asked.collected.refusal):
            return None
        ask = partial(self._conversations.is_handed_off, asked.message, stores=stores)
        is_so = asked.budget.spend(lambda wait_s: ask(wait_s=wait_s)) if asked.budget else ask(wait_s=0.0)
        return Match(route, {}) if is_so else None

    def _stores(self, asked: _Asked) -> bool:
        return not (self.is_rehearsal or asked.message.replayed)

    def _converse(self, asked: _Asked, found: Match) -> Outcome:
        """Run a handler with the state of its conversation, when those of earlier messages have ended.

        Raises: JournalUnavailable.
        """
        handler = name_of(found.route.handler)
        try:
            turn = self._begin_turn(asked)
        except CannotStore as error:
            return self._failed(error, handler, asked.message)
        except StillRunning as error:
            log_event(logging.WARNING, "conversation", {"problem": error})
            return Outcome(WebhookResponse.line(503, str(error)), "still running", handler)
        route = self._router.handed_off_route
        if route and route.stateful and turn.conversation.is_handed_off:  # by the message before this one
            found = Match(route, {})
        try:
            return replace(self._call(asked, found, turn), turn=turn)
        except BaseException:  # the worker or the thread is ending
            turn.give_up()
            raise

    def _begin_turn(self, asked: _Asked) -> Turn:
        """Wait for the turn of a message.

        Raises: StillRunning; JournalUnavailable; CannotStore.
        """
        stores = self._stores(asked)
        problem = asked.collected.refusal if self._conversations else "this receiver keeps none"
        if self._conversations is None or (problem and stores):
            raise CannotStore(f"a handler declares `conversation`, but it cannot be stored: {problem}")
        begin = partial(self._conversations.begin, asked.message, stores=stores)
        # A quarter is left for storing the answer.
        return asked.budget.spend(lambda wait_s: begin(wait_s=wait_s * 0.75)) if asked.budget else begin(wait_s=0.0)

    def _effects_of(self, turn: Turn) -> tuple[Effect, ...]:
        """Return what a handler changed in its conversation.

        Raises: StateError; CannotStore, if nobody would get the messages that are handed off.
        """
        conversation = turn.conversation
        is_new = conversation.is_handed_off and conversation.hand_off_is_changed
        if is_new and self._router.handed_off_route is None:
            raise CannotStore(
                "a conversation was handed off, and nobody would get its messages: register @router.handed_off"
            )
        return turn.effects()

    def _call(self, asked: _Asked, found: Match, turn: Turn | None = None) -> Outcome:
        """Run a handler, and make its reply."""
        message, handler = asked.message, name_of(found.route.handler)
        arguments = found.arguments if turn is None else {**found.arguments, CONVERSATION: turn.conversation}
        try:
            returned = found.route.handler(message, **arguments)
            response = to_response(returned, handler=handler, status_url=self._status_url(asked.request, message))
            digest = _reply_digest(response)
            if self._file_urls and has_files(response):
                base_url = asked.request.base_url(self._settings.public_url)
                response = with_file_urls(response, message, partial(self._file_urls, base_url), handler=handler)
            document = to_document(response, handler=handler)
            if found.route.then is not None:
                enqueue_reply(found.route.then, message, found.arguments)
            effects = (*asked.collected.effects, *(self._effects_of(turn) if turn else ()))
        except Exception as error:  # whatever a handler raises, Twilio gets an answer
            return self._failed(error, handler, message)
        name = "replied" if response.verbs else "silent"
        return Outcome(twiml_response(document), name, handler, digest=digest, effects=effects)

    def _status_url(self, request: WebhookRequest, message: InboundMessage) -> StatusUrl | None:
        """Return a function that signs the status URL of a reply, once for replies between the same addresses."""
        if not self._router.status_routes or not message.message_sid:
            return None
        base_url, number = request.base_url(self._settings.public_url), _sender_of_replies(message)

        signed: dict[tuple[str, str], str] = {}

        def status_url(reply: Message) -> str:
            to, from_ = pair = reply.to or message.from_, reply.from_ or number
            if pair not in signed:
                signed[pair] = self._status_urls.url(base_url, message.message_sid, to=to, from_=from_)
            return signed[pair]

        return status_url

    def _failed(self, error: Exception, handler: str, message: InboundMessage) -> Outcome:
        self._report(error, handler or "a condition of a route")
        if self._settings.apology and not silence_for(message, self._settings):
            return self.apology("apologized", handler)
        return Outcome(WebhookResponse.line(500, "the handler failed"), "failed", handler)

    def apology(self, name: str, handler: str = "") -> Outcome:
        """Return the outcome that sends the apology, or nothing if none is configured."""
        return Outcome(twiml_response(self._apology.to_bytes()), name, handler, digest=_reply_digest(self._apology))

    def _notify(self, event: StatusCallback | Alert, refusal: str) -> Outcome:
        """Run every handler of a status callback or an alert; the answer is always 204, as Twilio would not retry."""
        handlers = handlers_to_notify(self._router, event)
        results, effects = run_handlers(handlers, event, on_exception=self._report, refusal=refusal)
        failed = [name for name, result in results.items() if result != "ok"]
        if not handlers:
            self._suggestions.offer(event)
        name = "failed" if failed else "handled" if handlers else "unhandled"
        by = ",".join(failed or results)
        return Outcome(WebhookResponse(status=204), name, by, results=results, effects=effects)

    def _report(self, error: Exception, handler: str) -> None:
        logger.error("%s failed: %s", handler, type(error).__name__, exc_info=error)
        try:
            self._on_exception(error)
        except Exception as failure:  # an error tracker that is down must not change the answer
            logger.error("the exception hook raised %s", type(failure).__name__, exc_info=failure)


class _Asked(NamedTuple):
    """A message that is being answered."""

    request: WebhookRequest
    message: InboundMessage
    collected: Collection
    #: None where nothing waits for the journal.
    budget: WaitBudget | None


class StatusResults(NamedTuple):
    """What the handlers of a status callback or an alert did."""

    #: The result of each handler, ``ok`` or the error.
    results: dict[str, str]
    #: What the handlers that succeeded asked for.
    effects: tuple[Effect, ...]


def handlers_to_notify(router: Router, event: StatusCallback | Alert) -> list[Handler]:
    """Return every handler of a status callback or an alert, in order."""
    return router.alert_handlers(event) if isinstance(event, Alert) else router.status_handlers(event)


def run_handlers(
    handlers: Iterable[Handler],
    event: StatusCallback | Alert,
    before: Mapping[str, str] | None = None,
    *,
    on_exception: Callable[[Exception, str], object] = lambda _error, _handler: None,
    refusal: str = "",
) -> StatusResults:
    """Run handlers in order; those that were ok before are skipped. ``refusal`` is as in ``Answerer.answer``."""
    results: dict[str, str] = {}
    effects: list[Effect] = []
    for handler in handlers:
        name = name_of(handler)
        result = "ok"
        if (before or {}).get(name) != "ok":
            with Collection(event, refusal=refusal) as collected:
                result = _call(handler, event, on_exception)
            effects += collected.effects if result == "ok" else ()
        if results.get(name, "ok") == "ok":  # if two handlers share a name, keep the failure
            results[name] = result
    return StatusResults(results, tuple(effects))


def _call(handler: Handler, event: StatusCallback | Alert, on_exception: Callable[[Exception, str], object]) -> str:
    try:
        handler(event)
    except Exception as error:  # the other handlers must still run
        on_exception(error, name_of(handler))
        return describe(error)
    return "ok"


def describe(error: Exception) -> str:
    """Return an error as text, even if its ``__str__`` raises."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def _read_apology(text: str) -> MessagingResponse:
    """Return the apology as a response.

    Raises: ConfigurationError, for text that Twilio would not send.
    """
    try:
        return to_response(text, handler="TWIML_APOLOGY")
    except ReplyError as error:
        raise ConfigurationError("TWIML_APOLOGY", str(error).removeprefix("TWIML_APOLOGY ")) from error


def _sender_of_replies(message: InboundMessage) -> str:
    """Return the number that answers a message; empty if a messaging service chooses it."""
    return "" if message.messaging_service_sid else message.to


def _reply_digest(response: MessagingResponse) -> str:
    """Return a digest of the texts and media that are sent; empty if nothing is sent."""
    parts = [part for each in response.messages for part in (each.text, *getattr(each, "media", ()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] if parts else ""
