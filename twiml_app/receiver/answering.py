"""Answer an event: find its handler, call it, build the reply. Exceptions of handlers are caught here."""

from __future__ import annotations

import logging
from functools import partial

from ..alerts import Alert
from ..config import Settings
from ..errors import CannotStore, DialogElsewhere, JournalError, StillRunning
from ..events import Event, InboundMessage, StatusCallback, with_media_source
from ..logs import log_event, logger
from ..pending import Collection
from ..routing import Match, Router, name_of, opt_out_kind
from ..verbs import Message
from ..webhook import WebhookRequest, WebhookResponse
from .auth import StatusUrls
from .claims import Outcome
from .conversing import Asked, Conversing
from .file_urls import has_files, with_file_urls
from .hooks import Hooks
from .notifying import handlers_to_notify, run_handlers
from .opt_outs import opt_out_handlers, silence_for
from .replies import StatusUrl, read_apology, reply_digest, sender_of_replies, to_document, to_response
from .responses import empty_response, twiml_response
from .suggestions import Suggestions
from .turns import Postponed, Turn
from .wait_budget import WaitBudget


class Answerer:
    """Answers events with the handlers of a router; ``on_exception`` is called with every exception they raise."""

    def __init__(
        self, router: Router, settings: Settings, status_urls: StatusUrls, hooks: Hooks, conversing: Conversing
    ) -> None:
        self._conversing = conversing
        self._router = router
        self._hooks = hooks
        self._settings = settings
        self._status_urls = status_urls
        self._suggestions = Suggestions()
        self._apology = read_apology(settings.apology)

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
                return self._reply(Asked(request, event, collected, budget))
        if isinstance(event, StatusCallback | Alert):
            return self._notify(event, refusal)
        return Outcome(empty_response(request), event.kind)

    def answer_in_turn(self, request: WebhookRequest, message: InboundMessage, turn: Turn) -> Outcome:
        """Return the outcome of a message that was postponed and whose turn has come; ``request`` has its base URL."""
        with Collection(message) as collected:
            asked = Asked(request, message, collected, None)
            if silence := silence_for(message, self._settings):
                return self._in_turn(asked, Outcome(twiml_response(), silence), turn)
            try:
                found = None if self._conversing.has_dialogs else self._router.match(message)
            except Exception as error:  # a predicate or a converter of the user
                return self._failed(error, "", message)
            return self._in_turn(asked, found, turn)

    def _reply(self, asked: Asked) -> Outcome:
        """Run the handler of a message; if it fails, answer with 500, so that Twilio turns to the fallback URL.

        Raises: JournalUnavailable.
        """
        message = asked.message
        silence = silence_for(message, self._settings)
        if silence == "blocked":
            return Outcome(twiml_response(), silence)
        if message.media and self._hooks.media_source:
            message = with_media_source(message, self._hooks.media_source(message))
            asked = asked._replace(message=message)
        if opt_out_kind(message) and (ended := self._note_opt_out(asked, silence)):
            return ended
        handed_off = self._conversing.handed_off(asked)
        if handed_off is None and self._conversing.is_open(asked):
            return self._converse(asked)
        try:
            found = handed_off or self._router.match(message)
        except Exception as error:  # a predicate or a converter of the user
            return self._failed(error, "", message)
        if found and (found.route.stateful or found.route.dialog):
            return self._converse(asked, found)
        return self._call(asked, found)

    def _note_opt_out(self, asked: Asked, silence: str) -> Outcome | None:
        """Notify the handlers of a STOP, START or HELP word; return the outcome if the message ends with that.

        Raises: JournalUnavailable.
        """
        handler = ""
        try:
            for notified in opt_out_handlers(self._router, asked.message):
                handler = name_of(notified)
                notified(asked.message)
        except Exception as error:  # whatever a handler raises, Twilio gets an answer
            return self._failed(error, handler, asked.message)
        if not silence:
            return None
        silent = Outcome(twiml_response(), silence, handler, effects=tuple(asked.collected.effects))
        return self._converse(asked, silent) if self._conversing.is_open(asked) else silent

    def _converse(self, asked: Asked, found: Match | Outcome | None = None) -> Outcome:
        """Answer a message in its turn, when those before it in its conversation have been answered.

        A message that is not answered, after STOP, is given as its outcome: it ends the dialog.

        Raises: JournalUnavailable.
        """
        handler = name_of(found.route.handler) if isinstance(found, Match) else ""
        try:
            turn = self._conversing.begin(asked)
        except CannotStore as error:
            return self._failed(error, handler, asked.message)
        except StillRunning as error:
            log_event(logging.WARNING, "conversation", {"problem": error})
            return Outcome(WebhookResponse.line(503, str(error)), "still running", handler)
        if isinstance(turn, Postponed):
            return _postponed(asked, turn, handler)
        return self._in_turn(asked, found, turn)

    def _in_turn(self, asked: Asked, found: Match | Outcome | None, turn: Turn) -> Outcome:
        """Answer a message whose turn has come."""
        route = self._router.handed_off_route
        if (
            route and not isinstance(found, Outcome) and turn.conversation.is_handed_off
        ):  # by the message before this one
            found = Match(route, {})
        try:
            if not isinstance(found, Outcome):
                outcome = self._call(asked, found, turn)
                return outcome if outcome.turn else outcome._replace(turn=turn)
            turn.conversation.dialog = None
            return found._replace(effects=(*found.effects, *turn.effects()), turn=turn)
        except BaseException:  # the worker or the thread is ending
            turn.give_up()
            raise

    def _call(self, asked: Asked, found: Match | None, turn: Turn | None = None) -> Outcome:
        """Run a handler or a dialog, and make its reply."""
        message, handler = asked.message, ""
        try:
            planned = self._conversing.plan(message, found, turn)
            if planned is None:
                return self._unanswered(asked, turn)
            handler = planned.handler
            returned = planned.call()
            response = to_response(returned, handler=handler, status_url=self._status_url(asked.request, message))
            digest = "" if asked.collected.refusal else reply_digest(response)  # only the journal compares digests
            if self._hooks.file_urls and has_files(response):
                base_url = asked.request.base_url(self._settings.public_url)
                response = with_file_urls(response, message, partial(self._hooks.file_urls, base_url), handler=handler)
            document = to_document(response, handler=handler)
            effects = (*asked.collected.effects, *(self._conversing.effects_of(turn) if turn else ()))
        except (JournalError, DialogElsewhere) as error:
            if turn is None:  # it comes from the code of the handler
                return self._failed(error, handler, message)
            postponed = turn.postpone() if isinstance(error, DialogElsewhere) else None
            if postponed:
                return _postponed(asked, postponed, handler)
            log_event(logging.WARNING, "dialog", {"problem": error})
            return Outcome(WebhookResponse.line(503, "the dialog cannot go on here"), "still running", handler)
        except Exception as error:  # whatever a handler raises, Twilio gets an answer
            return self._failed(error, handler, message)
        name = "replied" if response.verbs else "silent"
        return Outcome(twiml_response(document), name, handler, digest=digest, effects=effects)

    def _unanswered(self, asked: Asked, turn: Turn | None) -> Outcome:
        """Return the outcome of a message that no handler takes.

        Raises: StateError.
        """
        if asked.message.reaction:
            return Outcome(twiml_response(), "reaction")
        self._suggestions.offer(asked.message)
        return Outcome(twiml_response(), "unhandled", effects=turn.effects() if turn else ())

    def _status_url(self, request: WebhookRequest, message: InboundMessage) -> StatusUrl | None:
        """Return a function that signs the status URL of a reply, once for replies between the same addresses."""
        if not self._router.status_routes or not message.message_sid:
            return None
        base_url, number = request.base_url(self._settings.public_url), sender_of_replies(message)

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
        return Outcome(twiml_response(self._apology.to_bytes()), name, handler, digest=reply_digest(self._apology))

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
            self._hooks.on_exception(error)
        except Exception as failure:  # an error tracker that is down must not change the answer
            logger.error("the exception hook raised %s", type(failure).__name__, exc_info=failure)


def _postponed(asked: Asked, postponed: Postponed, handler: str) -> Outcome:
    """Return the empty outcome of a message that work answers; opt-out handlers have been notified of it before."""
    effects = (*asked.collected.effects, *postponed.effects)
    return Outcome(twiml_response(), "postponed", handler, effects=effects, turn=postponed.place)
