"""From an event to its outcome: match, call, reply. What a handler does wrong ends here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from ..config import Settings
from ..errors import ConfigurationError, ReplyError
from ..events import Event, InboundMessage, StatusCallback
from ..logs import logger
from ..routing import Handler, Router, name_of, opt_out_kind
from ..twiml import MessagingResponse
from ..webhook import WebhookRequest, WebhookResponse
from .auth import StatusUrls
from .claims import Outcome
from .replies import to_document, to_response
from .responses import empty_response, twiml_response
from .suggestions import Suggestions


class Answerer:
    """Answers events with the handlers of a router; ``on_exception`` is told of every exception they raise."""

    def __init__(
        self,
        router: Router,
        settings: Settings,
        status_urls: StatusUrls,
        on_exception: Callable[[Exception], object],
    ) -> None:
        self._router = router
        self._settings = settings
        self._on_exception = on_exception
        self._status_urls = status_urls
        self._suggestions = Suggestions()
        self._apology = _read_apology(settings.apology)

    def answer(self, request: WebhookRequest, event: Event) -> Outcome:
        """Return what becomes of an event; nothing a handler does makes this raise."""
        if isinstance(event, InboundMessage):
            return self._reply(request, event)
        if isinstance(event, StatusCallback):
            return self._notify(event)
        return Outcome(empty_response(request), event.kind)

    def _reply(self, request: WebhookRequest, message: InboundMessage) -> Outcome:
        """Run the handler of a message; one that fails answers 500, so that Twilio turns to the fallback URL."""
        if message.contact in self._settings.blocked:
            return Outcome(twiml_response(), "blocked")
        handler = ""
        try:
            kind = opt_out_kind(message)
            for told in self._router.opt_out_handlers(kind):
                handler = name_of(told)
                told(message)
            if kind == "STOP" and self.is_silenced(message):
                return Outcome(twiml_response(), "opted out", handler)
            handler = ""
            found = self._router.match(message)
            if found is None:
                self._suggestions.offer(message)
                return Outcome(twiml_response(), "unhandled")
            handler = name_of(found.route.handler)
            returned = found.route.handler(message, **found.arguments)
            response = to_response(returned, handler=handler, status_url=self._status_url(request, message))
            document = to_document(response, handler=handler)
        except Exception as error:  # whatever a handler raises, Twilio gets an answer
            return self._failed(error, handler, message)
        word = "replied" if response.verbs else "silent"
        return Outcome(twiml_response(document), word, handler, said=_said(response))

    def is_silenced(self, message: InboundMessage) -> bool:
        """Tell whether nothing may be sent to whoever wrote: a blocked contact, or one who has just opted out."""
        if message.contact in self._settings.blocked:
            return True
        return opt_out_kind(message) == "STOP" and message.to not in self._settings.opt_out_numbers

    def _status_url(self, request: WebhookRequest, message: InboundMessage) -> Callable[[], str] | None:
        if not self._router.status_routes or not message.message_sid:
            return None
        base_url = request.base_url(self._settings.public_url)
        return lambda: self._status_urls.url(base_url, message.message_sid)

    def _failed(self, error: Exception, handler: str, message: InboundMessage) -> Outcome:
        self._report(error, handler or "a condition of a route")
        if self._settings.apology and not self.is_silenced(message):
            return self.apology("apologized", handler)
        return Outcome(WebhookResponse.line(500, "the handler failed"), "failed", handler)

    def apology(self, word: str, handler: str = "") -> Outcome:
        """Return the apology, or nothing where none is set."""
        return Outcome(twiml_response(self._apology.to_bytes()), word, handler, said=_said(self._apology))

    def _notify(self, status: StatusCallback) -> Outcome:
        """Run every handler of a status callback; it is answered 204 whatever they do, as nobody would try again."""
        handlers = self._router.status_handlers(status)
        results = run_status_handlers(handlers, status, on_exception=self._report)
        failed = [name for name, result in results.items() if result != "ok"]
        if not handlers:
            self._suggestions.offer(status)
        word = "failed" if failed else "handled" if handlers else "unhandled"
        return Outcome(WebhookResponse(status=204), word, ",".join(failed or results), results=results)

    def _report(self, error: Exception, handler: str) -> None:
        logger.error("%s failed: %s", handler, type(error).__name__, exc_info=error)
        try:
            self._on_exception(error)
        except Exception as failure:  # an error tracker that is down must not change the answer
            logger.error("what is told of exceptions failed: %s", type(failure).__name__, exc_info=failure)


def run_status_handlers(
    handlers: Iterable[Handler],
    status: StatusCallback,
    before: Mapping[str, str] | None = None,
    *,
    on_exception: Callable[[Exception, str], object] = lambda _error, _handler: None,
) -> dict[str, str]:
    """Run handlers in order, and return what each did: ``ok``, or the error; those that were ok before do not run."""
    results: dict[str, str] = {}
    for handler in handlers:
        name = name_of(handler)
        result = "ok" if (before or {}).get(name) == "ok" else _call(handler, status, on_exception)
        if results.get(name, "ok") == "ok":  # of two that share a name, the failure is kept
            results[name] = result
    return results


def _call(handler: Handler, status: StatusCallback, on_exception: Callable[[Exception, str], object]) -> str:
    try:
        handler(status)
    except Exception as error:  # the other handlers are still to run
        on_exception(error, name_of(handler))
        return describe(error)
    return "ok"


def describe(error: Exception) -> str:
    """Return an error in a line, whatever it does when it is asked for its text."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def _read_apology(text: str) -> MessagingResponse:
    """Return the apology as it is sent.

    Raises: ConfigurationError, for a text that Twilio would not send.
    """
    try:
        return to_response(text, handler="TWIML_APOLOGY")
    except ReplyError as error:
        raise ConfigurationError("TWIML_APOLOGY", str(error).removeprefix("TWIML_APOLOGY ")) from error


def _said(response: MessagingResponse) -> str:
    """Return a digest of what is sent, whatever message it answers; empty where nothing is."""
    parts = [part for each in response.messages for part in (each.text, *getattr(each, "media", ()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] if parts else ""
