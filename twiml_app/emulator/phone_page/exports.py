"""What can be taken away from the phone page: a curl command, a test, a recording."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..context import Context
from ..inbound import Inbound
from ..program import Program
from ..webhooks import Webhooks
from .conversations import Conversations, Pair
from .curl_command import curl_command
from .documents import BASE
from .exchange import PageAnswer, PageRequest, PageRule, answer, refusal
from .messages import require_message
from .pytest_source import source_of_test
from .recording import Recorded, Recorder

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KINDS = ("curl", "pytest", "recording")
#: Why some things are not possible without the program.
PROGRAM_NOTE = "Running again and saving tests need the program: start it with twiml-app dev."


class Exports:
    """Gives out conversations in other forms."""

    def __init__(
        self,
        context: Context,
        inbound: Inbound,
        webhooks: Webhooks,
        conversations: Conversations,
        recorder: Recorder,
        program: Program | None,
    ) -> None:
        self._context = context
        self._inbound = inbound
        self._webhooks = webhooks
        self._conversations = conversations
        self._recorder = recorder
        self._program = program

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/export", views={"GET": self.export})
        yield PageRule(path=f"{BASE}/save-test", views={"POST": self.save_test})

    def export(self, request: PageRequest) -> PageAnswer:
        """Return a text as a curl command, or a conversation as a test or a recording.

        Raises: ApiError; ConfigurationError.
        """
        kind = request.choice("as", _KINDS)
        if kind == "curl":
            return answer({"name": "text.sh", "text": self._curl(request.text("sid"))})
        pair = _pair(request)
        recorded = self._recorder.recorded(pair)
        if kind == "recording":
            text = self._recorder.lines(recorded.exchanges)
            return answer({"name": "conversation.jsonl", "text": text, "left_out": recorded.left_out})
        text = _test(pair, recorded)
        return answer({"name": "test_conversation.py", "text": text, "left_out": recorded.left_out})

    def save_test(self, request: PageRequest) -> PageAnswer:
        """Save a conversation as a test of the project.

        Raises: ApiError; ConfigurationError.
        """
        if self._program is None:
            raise refusal(PROGRAM_NOTE, 409)
        name, pair = request.text("name"), _pair(request)
        if not _NAME.fullmatch(name):
            raise refusal("name must begin with a letter and have up to 40 of a-z, 0-9 and _")
        recorded = self._recorder.recorded(pair)
        path = self._program.save_test(name, _test(pair, recorded), self._recorder.lines(recorded.exchanges))
        return answer({"path": str(path), "left_out": recorded.left_out}, 201)

    def _curl(self, sid: str) -> str:
        """Return the curl command of a text.

        Raises: ApiError; ConfigurationError.
        """
        message = require_message(self._conversations, sid).message
        route = self._inbound.route_of(message) if message.is_inbound else "it is not from a phone"
        if isinstance(route, str):
            raise refusal(f"there is no request to repeat for this message: {route}", 409)
        form, account = self._webhooks.inbound_form(message), self._context.account(message.account_sid)
        return curl_command(route.url, route.method, form, account, sid=self._context.new_sid(sid[:2]))


def _test(pair: Pair, recorded: Recorded) -> str:
    """Return the source of a test.

    Raises: ApiError, if the program has not answered a text.
    """
    if not any(exchange.kind == "message" for exchange in recorded.exchanges):
        raise refusal("nothing can be tested yet: the program has not answered a text", 409)
    return source_of_test(pair, recorded.exchanges)


def _pair(request: PageRequest) -> Pair:
    return Pair(request.text("contact"), request.text("number"))
