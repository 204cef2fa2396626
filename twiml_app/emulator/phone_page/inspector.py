"""What happened with one message: requests to the program, its answer, what became of it, problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from urllib.parse import unquote

from ...errors import ConfigurationError
from ..debugger import Debugger
from ..inbound import Inbound
from ..resources import MessageRecord
from ..webhook_log import LoggedWebhook, WebhookLog
from .conversations import Conversations, Placed
from .documents import BASE, Documents, entry_document, has_ended
from .exchange import Document, PageAnswer, PageRequest, PageRule, answer
from .messages import require_message
from .state import ANSWER_MS


class Inspector:
    """Shows what happened with a message."""

    def __init__(
        self,
        webhook_log: WebhookLog,
        debugger: Debugger,
        inbound: Inbound,
        conversations: Conversations,
        documents: Documents,
    ) -> None:
        self._webhook_log = webhook_log
        self._debugger = debugger
        self._inbound = inbound
        self._conversations = conversations
        self._documents = documents

    def rules(self) -> Iterator[PageRule]:
        """Yield the path."""
        yield PageRule(path=f"{BASE}/messages/<sid>", views={"GET": self.show})

    def show(self, request: PageRequest, sid: str) -> PageAnswer:
        """Return what happened with a message.

        Raises: ApiError, if it does not exist.
        """
        placed = require_message(self._conversations, sid)
        logged = [each for each in self._webhook_log.all() if each.message_sid == sid]
        is_inbound = placed.message.is_inbound
        made = self._conversations.replies(placed) if is_inbound else []
        return answer(
            {
                "message": self._documents.message(placed),
                "parent": placed.message.in_reply_to,
                "made": self._documents.messages(made),
                "answer_ms": ANSWER_MS,
                "unrouted": self._unrouted(placed) if is_inbound and not logged else "",
                "untold": "" if is_inbound or logged else _untold(placed.message),
                "requests": [*_requests(logged, is_inbound)],
                "debugger": [entry_document(entry) for entry in self._debugger.entries_of(sid)],
            }
        )

    def _unrouted(self, placed: Placed) -> str:
        """Return why no webhook was called for a message."""
        try:
            route = self._inbound.route_of(placed.message)
        except ConfigurationError as error:
            return error.problem
        return route if isinstance(route, str) else ""


def _untold(message: MessageRecord) -> str:
    """Return why no status callback of a message to a phone is known."""
    name = "reply" if message.direction == "outbound-reply" else "message"
    if not message.status_url:
        return f"Your program is not told how it ends: the {name} has no status callback URL."
    if has_ended(message):
        return "It has ended, but no status callback is known: it is still due, or the emulator has forgotten it."
    return f"Nothing has happened yet: your program is told at the status callback URL of the {name} when it does."


def _requests(logged: Sequence[LoggedWebhook], is_inbound: bool) -> Iterator[Document]:
    for each, after in zip_longest(logged, logged[1:]):
        step = step_of(each, after)
        headers = each.response_headers
        yield {
            "n": each.number,
            "date": each.date,
            "what": what_of(each, is_inbound),
            "step": step,
            "method": each.method,
            "url": each.url,
            "status": each.status,
            "problem": each.problem,
            "milliseconds": each.milliseconds,
            "signature": each.signature or "none",
            "user": each.user,
            "parameters": dict(each.parameters),
            "handler": headers.get("X-Twiml-Handler", ""),
            "handler_ms": _milliseconds(headers.get("X-Twiml-Handler-Ms", "")),
            "exception": unquote(headers.get("X-Twiml-Exception", "")),
            "content_type": headers.get("Content-Type", ""),
            "body": each.body,
            "verdict": _verdict(each, step),
        }


def what_of(logged: LoggedWebhook, is_inbound: bool) -> str:
    """Return what a request was about: ``message``, ``fallback`` or ``status``."""
    if not is_inbound:
        return "status"
    return "fallback" if "ErrorUrl" in logged.parameters else "message"


def step_of(logged: LoggedWebhook, after: LoggedWebhook | None) -> str:
    """Return what a request was on the way to an answer: ``challenge``, ``redirect``, ``failed`` or ``answer``."""
    if logged.status == 401 and after and after.has_credentials and after.url == logged.url:
        return "challenge"
    if 300 <= logged.status < 400 and "Location" in logged.response_headers:
        return "redirect"
    return "failed" if logged.status >= 400 or not logged.status else "answer"


def _milliseconds(text: str) -> float | None:
    try:
        return min(max(float(text), 0.0), 1e9)
    except ValueError:
        return None


def _verdict(logged: LoggedWebhook, step: str) -> str:
    """Return one line about a request for people."""
    if step == "challenge":
        return "The program asked for credentials; the next request has them."
    if step == "redirect":
        return f"The program redirected to {logged.response_headers['Location']}."
    proof = {"right": "signed with the account's token", "wrong": "signed with another token"}
    sent = [proof.get(logged.signature, "not signed")]
    sent.append(f"with the credentials of {logged.user}" if logged.has_credentials else "without credentials")
    how = ", ".join(sent)
    if not logged.status:
        return f"The program did not answer ({how}): {logged.problem}."
    if logged.status in (401, 403):
        return f"The program refused the request ({how})."
    if step == "failed":
        return f"The program answered {logged.status}, which is an error ({how})."
    return f"The program accepted the request ({how})."
