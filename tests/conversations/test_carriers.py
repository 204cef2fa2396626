"""What carriers and networks do to texts, by the emulator: a person sees a conversation that nothing disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.program import open_journal
from tests.webhook_requests import BASIC, read_settings
from twiml_app import Dialog, InboundMessage, Router, ask, step
from twiml_app.caller import NUMBER
from twiml_app.caller.types import OutgoingRequest
from twiml_app.conversations import ConversationKeeper, OpenDialogs
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.journal import ConversationStore, DurableJournal
from twiml_app.receiver import Receiver
from twiml_app.webhook import WebhookRequest, WebhookResponse

#: The text for each kind of question; the long one has two segments, which some networks deliver as two texts.
ANSWERS = {"text": "Ann", "number": "7", "long": "a" * 153 + "b" * 100, "step": "Ann"}
#: What happens to a text, and how long the person waits before it, in seconds.
FATES = st.tuples(
    st.sampled_from(["", "text-duplicate", "text-parts", "webhook-duplicate", "webhook-retry"]),
    st.integers(4, 3600),
)
#: Which earlier webhook arrives once more after a text, as when a network overtakes itself; None for none.
OVERTAKEN = st.one_of(st.none(), st.integers(0, 7))
#: The last answer is short: there is no question after it, so its second part would be for the routes.
KINDS = st.lists(st.sampled_from(sorted(ANSWERS)), max_size=5).map(lambda kinds: [*kinds, "text"])

router = Router()


def note(kind: str) -> str:
    """Do something once."""
    return kind


@router.dialog("begin <kinds>", name="carriers")
def talk(message: InboundMessage, kinds: str) -> Dialog:
    """Ask for the kinds of answers that the first text names, and say what was answered."""
    got = list[Any]()
    for index, kind in enumerate(kinds.split(",")):
        if kind == "number":
            got.append((yield from ask(f"{index} number?", int)))
        elif kind == "long":
            got.append((yield from ask(f"{index} long?", collect_s=4)).replace("\n", ""))
        else:
            got.append((yield f"{index} {kind}?"))
        if kind == "step":
            got.append((yield from step(note, kind)))
    return f"the end: {got}"


def undisturbed(kinds: list[str]) -> list[str]:
    """Return what a person sees whose texts arrive once, whole and at once."""
    got = list[Any]()
    for kind in kinds:
        got += [7] if kind == "number" else [ANSWERS[kind], "step"] if kind == "step" else [ANSWERS[kind]]
    return [*(f"{index} {kind}?" for index, kind in enumerate(kinds)), f"the end: {got}"]


@dataclass(frozen=True)
class Carrier:
    """An emulator whose clock only the test moves, and by which the dialogs of an application go."""

    twilio: Emulator
    receiver: Receiver
    #: The webhooks that were answered, and their answers, oldest first.
    answered: list[tuple[WebhookRequest, WebhookResponse]] = field(default_factory=list)

    def call(self, request: WebhookRequest) -> WebhookResponse:
        """Call the application."""
        answer = self.receiver.handle(request)
        if answer.status == 200:
            self.answered.append((request, answer))
        return answer

    def repeat(self, number: int) -> None:
        """Let an earlier webhook arrive once more; it gets the answer that it had."""
        request, answer = self.answered[number % len(self.answered)]
        assert self.receiver.handle(request).body == answer.body


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Carrier]:
    """Yield a carrier, in front of an application with dialogs."""
    url = f"sqlite:///{tmp_path}/twiml.db"
    read = read_settings(BASIC, TWIML_DATABASE_URL=url)
    engine = open_journal(url, read)

    def transport(request: OutgoingRequest) -> WebhookResponse:
        return made.call(received(request))

    twilio = Emulator(EmulatorOptions(), transport=transport)
    clock = twilio.clock.now
    store, journal = ConversationStore(engine, clock), DurableJournal(engine, read, clock=clock)
    receiver = Receiver(
        router,
        read,
        journal=journal,
        conversations=ConversationKeeper(store, hours=4, may_wait=journal.may_wait, clock=clock),
        dialogs=OpenDialogs(router, store, early_s=3.0, clock=clock),
        now=clock,
    )
    twilio.add_number(NUMBER, f"http://{BASIC['TWIML_CREDENTIALS']}@localhost/message")
    made = Carrier(twilio, receiver)
    with twilio:
        yield made
    engine.close()


def received(request: OutgoingRequest) -> WebhookRequest:
    """Return a request as the application receives it."""
    return WebhookRequest(
        endpoint="message",
        method=request.method,
        scheme="http",
        host="localhost",
        target=urlsplit(request.url).path,
        headers={name.lower(): value for name, value in request.headers},
        body=request.body,
    )


def test_person_sees_an_undisturbed_conversation(carrier: Carrier) -> None:
    """Whatever arrives twice, under the same or another MessageSid, in parts, late, or after a lost answer."""
    people = count()

    @settings(max_examples=40, deadline=None)
    @given(KINDS, st.lists(st.tuples(FATES, OVERTAKEN), min_size=8, max_size=8))
    def check(kinds: list[str], fates: list[tuple[tuple[str, int], int | None]]) -> None:
        carrier.answered.clear()
        phone = carrier.twilio.phone(f"+1555867{next(people):04}")
        seen = list[str]()
        texts = [f"begin {','.join(kinds)}", *(ANSWERS[kind] for kind in kinds)]
        for body, ((fault, after_s), overtaken) in zip(texts, fates, strict=False):
            carrier.twilio.advance(after_s)
            may_split = fault != "text-parts" or body == ANSWERS["long"]
            reply = phone.text(body, fault=fault) if fault and may_split else phone.text(body)
            seen += [text for each in (reply, *reply.further) for text in each.texts]
            if overtaken is not None:
                carrier.repeat(overtaken)

        assert [text for text, _ in groupby(seen)] == undisturbed(kinds)

    check()
    carrier.twilio.faults.clear()
