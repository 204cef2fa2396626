"""WhatsApp senders: the 24 hours after a text, and the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, NUMBER, Program, emulator, say
from twiml_app.emulator import Emulator, FetchedMedia
from twiml_app.emulator.whatsapp import SANDBOX
from twiml_app.errors import ConfigurationError

PERSON, OURS = f"whatsapp:{CONTACT}", f"whatsapp:{NUMBER}"
HOUR = 3600
TEMPLATE = "HX" + "1" * 32


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with a WhatsApp sender of ours and the sandbox; the program answers hello."""
    with emulator() as twilio:
        for sender in (OURS, SANDBOX):
            twilio.add_number(sender, program.url("/message"))
        yield twilio


def outcome(twilio: Emulator, from_: str = OURS, **parameters: Any) -> tuple[str, int | None]:
    """Send a message to the person, and return how it ends."""
    given = {"body": "hello"} | parameters
    sent = twilio.client().messages.create(to=PERSON, from_=from_, **given)
    assert twilio.settle()
    message = twilio.client().messages(sent.sid).fetch()
    return message.status, message.error_code


def test_only_templates_are_sent_to_somebody_who_has_not_texted(twilio: Emulator) -> None:
    """https://www.twilio.com/docs/api/errors/63016: the message is accepted, and fails later."""
    assert outcome(twilio) == ("failed", 63016)
    assert outcome(twilio, body=None, content_sid=TEMPLATE) == ("delivered", None)


def test_a_text_opens_the_window_for_a_day(twilio: Emulator, program: Program) -> None:
    """Replies and messages through the REST API are the same; another sender has another window."""
    program.answers("/message", say("hello"))
    reply = twilio.phone(PERSON).text("hi", number=OURS)
    assert twilio.settle()

    assert reply.statuses == ["delivered"]
    assert outcome(twilio) == ("delivered", None)
    assert outcome(twilio, from_="whatsapp:+15017122662") == ("failed", 63016)
    twilio.advance(23 * HOUR)
    assert outcome(twilio) == ("delivered", None)
    twilio.advance(2 * HOUR)
    assert outcome(twilio) == ("failed", 63016)
    twilio.phone(PERSON).text("hi again", number=OURS)
    assert outcome(twilio) == ("delivered", None)


@pytest.mark.parametrize("words", ["join small-sheep", "Join small sheep", " join  small-sheep "])
def test_sandbox_reaches_those_who_join(twilio: Emulator, program: Program, words: str) -> None:
    """Until then, nothing they text reaches the program, and nothing reaches them."""
    phone = twilio.phone(PERSON, number=SANDBOX)
    assert outcome(twilio, from_=SANDBOX) == ("failed", 63015)
    before = phone.text("hi")
    joined = phone.text(words)
    after = phone.text("hi")

    assert (before.unrouted, before.twilio_says[:35]) == (
        "the WhatsApp sandbox answers this text itself",
        "Your number is not connected to the",
    )
    assert joined.twilio_says.startswith(
        "You are all set! The sandbox can now send/receive messages from whatsapp:+1415"
    )
    assert (after.text, after.twilio_says) == ("hello", "")
    assert len(program.received) == 1
    assert outcome(twilio, from_=SANDBOX) == ("delivered", None)
    assert [message.body[:12] for message in phone.inbox] == ["Your number ", "You are all ", "hello", "hello"]


def test_sandbox_forgets_after_three_days_and_on_stop(twilio: Emulator) -> None:
    """A text opens the window, but does not renew the membership."""
    phone = twilio.phone(PERSON, number=SANDBOX)
    phone.text("join small-sheep")
    twilio.advance(71 * HOUR)
    phone.text("hi")
    assert outcome(twilio, from_=SANDBOX) == ("delivered", None)
    twilio.advance(2 * HOUR)
    assert outcome(twilio, from_=SANDBOX) == ("failed", 63015)
    phone.text("join small-sheep")
    assert outcome(twilio, from_=SANDBOX) == ("delivered", None)

    assert phone.text("Stop").twilio_says.startswith("You have left the sandbox.")
    assert outcome(twilio, from_=SANDBOX) == ("failed", 63015)


def test_membership_is_kept_in_the_state(tmp_path: Any) -> None:
    """An emulator that is started again goes on where it was; a reset forgets."""
    state = tmp_path / "state.db"
    with emulator(state=state) as twilio:
        twilio.add_number(SANDBOX)
        twilio.phone(PERSON).text("join small-sheep")
    with emulator(state=state) as twilio:
        assert outcome(twilio, from_=SANDBOX) == ("delivered", None)
        twilio.reset()
        assert outcome(twilio, from_=SANDBOX) == ("failed", 63015)


def test_sender_of_nobody_is_refused_if_the_senders_are_listed() -> None:
    """The sandbox is everybody's."""
    with emulator(seed={"numbers": [{"phone_number": NUMBER}, {"phone_number": OURS}]}) as twilio:
        with pytest.raises(TwilioRestException) as refused:
            outcome(twilio, from_="whatsapp:+15017122662")

        assert (refused.value.status, refused.value.code) == (400, 63007)
        assert outcome(twilio) == ("failed", 63016)
        assert outcome(twilio, from_=SANDBOX) == ("failed", 63015)


@pytest.mark.parametrize(("contact", "number"), [(CONTACT, OURS), (PERSON, NUMBER)], ids=["phone", "WhatsApp"])
def test_text_to_another_channel_is_refused(twilio: Emulator, contact: str, number: str) -> None:
    """No phone could send it, so a test that does is mistaken."""
    twilio.add_number(NUMBER)

    with pytest.raises(ConfigurationError, match="both need whatsapp: in front of the number, or neither"):
        twilio.phone(contact).text("hi", number=number)


def test_status_callback_has_the_parameters_of_the_channel(twilio: Emulator, program: Program) -> None:
    """Programs read EventType to know that a message was read."""
    twilio.phone(PERSON).will("read").text("hi", number=OURS)
    outcome(twilio, status_callback=program.answers("/status", say("")))
    last = [request.form for request in program.received if "MessageStatus" in request.form][-1]

    assert last["MessageStatus"] == "read"
    assert {name: value for name, value in last.items() if name.startswith(("Channel", "Event", "Structured"))} == {
        "ChannelInstallSid": last["ChannelInstallSid"],
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": "+1555867XXXX",
        "EventType": "READ",
        "StructuredMessage": "false",
    }
    assert "RawDlrDoneDate" not in last


def test_message_type_is_that_of_the_media(twilio: Emulator, program: Program) -> None:
    """WhatsApp has a kind of message for each kind of media."""
    phone = twilio.phone(PERSON, number=OURS)
    phone.text("", media=FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n"))
    phone.text("", media=FetchedMedia(content_type="application/pdf", content=b"%PDF-1.4"))

    assert [request.form["MessageType"] for request in program.received] == ["image", "document"]
