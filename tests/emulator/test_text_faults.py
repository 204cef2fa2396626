"""Faults of a text: twice under two SIDs, in parts, at another number; reactions and opt-out words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.network import Network
from tests.emulator.program import CONTACT, NUMBER, SERVICE, Program, emulator, say, send
from twiml_app.emulator import Emulator, Fault, FetchedMedia
from twiml_app.emulator.reactions import REACTIONS, reaction_text
from twiml_app.emulator.text_faults import Text, arriving
from twiml_app.errors import ConfigurationError

OTHER = "+15017122662"


def pool(program: Program) -> dict[str, Any]:
    """Return a seed with a service that has two numbers."""
    url = program.url("/message")
    numbers = [{"phone_number": number, "sms_url": url} for number in (NUMBER, OTHER)]
    service = {"sid": SERVICE, "numbers": [NUMBER, OTHER], "use_inbound_webhook_on_number": True}
    return {"numbers": numbers, "services": [service]}


def test_duplicate_has_a_sid_of_its_own(twilio: Emulator, program: Program) -> None:
    """Carriers deliver some texts twice: nothing but the content tells the program that it is one text."""
    program.answers("/message", say("first"), say("second"))
    reply = twilio.phone(CONTACT).text("hello", fault="text-duplicate")
    first, second = program.received
    (further,) = reply.further

    assert (reply.texts, further.texts) == (["first"], ["second"])
    assert [first.form["MessageSid"], second.form["MessageSid"]] == [reply.inbound.sid, further.inbound.sid]
    assert first.form["MessageSid"] != second.form["MessageSid"]
    assert first.form["Body"] == second.form["Body"] == "hello"


def test_long_text_arrives_in_parts(twilio: Emulator, program: Program) -> None:
    """Some networks do not put the segments of a text together; its picture comes with the first."""
    picture = FetchedMedia(content_type="image/gif", content=b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
    body = "a" * 153 + "b" * 153 + "c"
    reply = twilio.phone(CONTACT).text(body, media=picture, fault="text-parts")

    bodies = [request.form["Body"] for request in program.received]
    assert bodies == ["a" * 153, "b" * 153, "c"]
    assert [request.form["NumMedia"] for request in program.received] == ["1", "0", "0"]
    assert [each.inbound.body for each in reply.further] == bodies[1:]
    assert len({request.form["MessageSid"] for request in program.received}) == 3


def test_parts_are_the_whole_text(network: Network) -> None:
    """Nothing is lost or doubled at the borders of the parts."""
    network.context.faults.add("text-parts")

    @given(st.text(max_size=400))
    def check(body: str) -> None:
        parts = arriving(network.context, Text(contact=CONTACT, number=NUMBER, body=body))
        assert "".join(part.body for part in parts) == body

    check()


def test_short_text_arrives_whole(twilio: Emulator, program: Program) -> None:
    """It has one segment, and the fault waits for a longer text."""
    rule = twilio.faults.add("text-parts")

    assert twilio.phone(CONTACT).text("hello").further == []
    assert twilio.faults.all() == [rule]


def test_text_arrives_at_another_number_of_the_service(program: Program) -> None:
    """A contact that has texts from two numbers replies to either: the conversation is the same."""
    with emulator(seed=pool(program)) as twilio:
        twilio.faults.add(Fault("text-other-number", count=1))
        replies = [twilio.phone(CONTACT, number=NUMBER).text("hello") for _ in range(2)]

    assert [request.form["To"] for request in program.received] == [OTHER, NUMBER]
    assert {request.form["MessagingServiceSid"] for request in program.received} == {SERVICE}
    assert [reply.messages[0].from_ for reply in replies] == [OTHER, NUMBER]


def test_text_to_a_number_without_a_service_arrives_there(twilio: Emulator) -> None:
    """There is no other number, and the fault waits."""
    rule = twilio.faults.add("text-other-number")

    assert twilio.phone(CONTACT).text("hello").inbound.to == NUMBER
    assert twilio.faults.all() == [rule]


@pytest.mark.parametrize(
    ("body", "kind"),
    [("stop", "STOP"), ("START", "START"), ("Info", "HELP"), ("hello", None), ("STOP!", None)],
    ids=["stop", "start", "help", "other text", "punctuation"],
)
def test_opt_out_words_have_a_type_with_advanced_opt_out(program: Program, body: str, kind: str | None) -> None:
    """The program does not compare words then: Twilio has."""
    with emulator(seed=pool(program)) as twilio:
        twilio.faults.add("text-advanced-opt-out")
        twilio.phone(CONTACT, number=NUMBER).text(body)

    assert [request.form.get("OptOutType") for request in program.received] == [kind]


def test_number_without_a_service_has_no_advanced_opt_out(twilio: Emulator, program: Program) -> None:
    """It is a feature of messaging services."""
    twilio.faults.add("text-advanced-opt-out")
    twilio.phone(CONTACT).text("STOP")

    assert "OptOutType" not in dict(program.received[0].form.pairs)


def test_stop_with_punctuation_is_an_ordinary_text_for_twilio(twilio: Emulator, program: Program) -> None:
    """Twilio documents only words that stand alone: the program has to see what was meant."""
    reply = twilio.phone(CONTACT).text("STOP!")

    assert (reply.twilio_says, reply.text) == ("", "hello")
    assert [request.form["Body"] for request in program.received] == ["STOP!"]


@pytest.mark.parametrize(
    ("reaction", "body"),
    [
        pytest.param("like", "Liked “hello”", id="like"),
        pytest.param("love", "Loved “hello”", id="love"),
        pytest.param("dislike", "Disliked “hello”", id="dislike"),
        pytest.param("laugh", "Laughed at “hello”", id="laugh"),
        pytest.param("emphasize", "Emphasized “hello”", id="emphasize"),
        pytest.param("question", "Questioned “hello”", id="question"),
        pytest.param("👍", "Reacted 👍 to “hello”", id="emoji"),
    ],
)
def test_reaction_arrives_as_a_text(twilio: Emulator, program: Program, reaction: str, body: str) -> None:
    """A phone does not know that nobody reads it."""
    phone = twilio.phone(CONTACT)
    send(twilio, "hello")
    twilio.settle()
    phone.react(reaction)
    phone.react(reaction, "hello")

    assert [request.form["Body"] for request in program.received] == [body, body]


def test_reaction_needs_something_to_react_to(twilio: Emulator) -> None:
    """A typing mistake is not sent to the program as a reaction."""
    phone = twilio.phone(CONTACT)
    with pytest.raises(ConfigurationError, match="received nothing to react to"):
        phone.react("like")
    with pytest.raises(ConfigurationError, match="'liked' is not an emoji or one of: love, like, "):
        phone.react("liked", "hello")


@given(st.text())
def test_reaction_is_a_name_or_an_emoji(reaction: str) -> None:
    """Anything else is refused."""
    try:
        text = reaction_text(reaction, "hello")
    except ConfigurationError:
        assert reaction.isascii() or len(reaction) > 16
    else:
        assert text.endswith("“hello”")
        assert reaction in REACTIONS or f"Reacted {reaction} to" in text


@pytest.mark.parametrize("kind", ["webhook-retry", "text-duplicate"])
def test_fault_of_a_text_happens_to_it_alone(twilio: Emulator, program: Program, kind: str) -> None:
    """The next text, and texts of others, arrive as always."""
    phone = twilio.phone(CONTACT)
    phone.text("one", fault=kind)
    phone.text("two")
    twilio.phone("+15558675311").text("three")

    assert [request.form["Body"] for request in program.received] == ["one", "one", "two", "three"]
    assert not twilio.faults


def test_fault_of_a_text_may_have_options(twilio: Emulator, program: Program) -> None:
    """A fault that happens to one path is over with the text, whether it has happened or not."""
    twilio.phone(CONTACT).text("one", fault=Fault("webhook-duplicate", path="/fallback"))

    assert len(program.received) == 1
    assert not twilio.faults


@pytest.mark.parametrize("kind", ["api-429", "message-failed", "status-reorder", "text-unknown"])
def test_fault_that_does_not_happen_to_a_text_is_refused(twilio: Emulator, program: Program, kind: str) -> None:
    """The message names those that do."""
    with pytest.raises(ConfigurationError, match=f"'{kind}' does not happen to a text: use one of webhook-duplicate, "):
        twilio.phone(CONTACT).text("hello", fault=kind)

    assert program.received == []
