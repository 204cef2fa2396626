"""Replying: the sender, recipient, media and status callback of a reply, and why a reply is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.contexts import make_context
from tests.emulator.program import CONTACT, MONDAY, NOTHING, NUMBER, Answer, Program, codes, emulator, say, twiml
from twiml_app.caller.transports import HttpTransport
from twiml_app.emulator import Emulator, FetchedMedia
from twiml_app.emulator.composing import Composer
from twiml_app.emulator.debugger import Debugger
from twiml_app.emulator.delivery import Delivery
from twiml_app.emulator.delivery_steps import DeliverySteps
from twiml_app.emulator.media import MediaFetcher
from twiml_app.emulator.opt_outs import OptOuts
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.replying import LOOP_WINDOW_S, MAX_PAIRS, ReplyCounter, Replying
from twiml_app.emulator.resources import Account, MessageRecord
from twiml_app.emulator.schedule import Schedule
from twiml_app.emulator.status_changes import StatusChanges
from twiml_app.emulator.twiml_reader import SendStep

OTHER = "+15017122662"
FRIEND = "+15558675311"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PICTURE = FetchedMedia(content_type="image/png", content=PNG)
SERVICE = "MG" + "1" * 32


@pytest.fixture
def program() -> Iterator[Program]:
    """A program that requires credentials, and serves a picture."""
    with Program("basic") as program:
        program.answers("/picture.png", Answer(PNG, content_type="image/png"))
        program.answers("/status", NOTHING)
        yield program


def seeded(program: Program, **tables: Any) -> Emulator:
    """Make an emulator with a seed of numbers: two for messages, one for calls only, and one of a subaccount."""
    stranger = {"sid": "AC" + "2" * 32, "auth_token": "of the subaccount"}
    numbers = [
        {"phone_number": NUMBER, "sms_url": program.url("/message")},
        {"phone_number": OTHER, "sms": False},
        {"phone_number": "+15017122663", "account_sid": stranger["sid"]},
        {"phone_number": "+15017122664"},
    ]
    return emulator(seed={"numbers": numbers, "accounts": [stranger], **tables})


def test_reply_goes_from_the_number_to_the_contact(twilio: Emulator, program: Program) -> None:
    """It also refers to the inbound message."""
    program.answers("/message", say("hello"))
    reply = twilio.phone(CONTACT).text("hi")

    assert reply.messages == [
        MessageRecord(
            sid="SM00000000000000000000000000000003",
            account_sid=twilio.account_sid,
            date_created=MONDAY,
            date_updated=MONDAY,
            to=CONTACT,
            from_=NUMBER,
            body="hello",
            status="queued",
            direction="outbound-reply",
            in_reply_to=reply.inbound.sid,
        )
    ]


@pytest.mark.parametrize(
    ("attributes", "sender", "recipient"),
    [
        pytest.param(f"to='{FRIEND}'", NUMBER, FRIEND, id="to"),
        pytest.param("to='(555) 867-5311'", NUMBER, FRIEND, id="to in national format"),
        pytest.param(f"from='{OTHER}'", OTHER, CONTACT, id="from"),
        pytest.param("from='ACME'", "ACME", CONTACT, id="from a name"),
        pytest.param(f"from='{OTHER}' to='{FRIEND}'", OTHER, FRIEND, id="both"),
    ],
)
def test_attributes_of_a_message_override_sender_and_recipient(
    twilio: Emulator, program: Program, attributes: str, sender: str, recipient: str
) -> None:
    """A program may for example forward an alarm to another contact."""
    program.answers("/message", twiml(f"<Message {attributes}>hello</Message>"))
    (reply,) = twilio.phone(CONTACT).text("hi").messages
    assert twilio.settle()

    assert (reply.from_, reply.to) == (sender, recipient)
    assert [message.body for message in twilio.phone(recipient).inbox] == ["hello"]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        pytest.param(f"from='{NUMBER}'", None, id="the number itself"),
        pytest.param("from='+15017122664'", None, id="another of our numbers"),
        pytest.param("from='ACME'", None, id="name"),
        pytest.param(f"from='{OTHER}'", 14108, id="number for calls only"),
        pytest.param("from='+15017122663'", 14102, id="number of another account"),
        pytest.param(f"from='{FRIEND}'", 14102, id="number that is not ours"),
        pytest.param("from='?'", 14102, id="not an address"),
        pytest.param("to='12345'", 14101, id="to a short code"),
        pytest.param(f"to='{NUMBER}'", 14101, id="to itself"),
    ],
)
def test_sender_must_belong_to_the_account_if_a_seed_lists_numbers(
    program: Program, attributes: str, code: int | None
) -> None:
    """Twilio refuses other senders too."""
    program.answers("/message", twiml(f"<Message {attributes}>a</Message><Message>b</Message>"))
    with seeded(program) as twilio:
        reply = twilio.phone(CONTACT).text("hi", number=NUMBER)

        assert reply.texts == (["b"] if code else ["a", "b"])
        assert codes(reply.problems) == ([code] if code else [])
        assert all(problem.url == program.bare("/message") for problem in reply.problems)


def test_reply_to_a_short_code_is_refused(twilio: Emulator, program: Program) -> None:
    """Twilio cannot send to short codes."""
    program.answers("/message", say("hello"))

    assert codes(twilio.phone("12345").text("your code is 1").problems) == [14101]


def test_media_url_is_relative_to_the_document(twilio: Emulator, program: Program) -> None:
    """After a Redirect, that is the document of its target; the credentials of the host are sent."""
    program.answers("/message", twiml("<Redirect>/deep/next</Redirect>"))
    program.answers("/deep/next", twiml("<Message><Body>look</Body><Media>../picture.png</Media></Message>"))
    (reply,) = twilio.phone(CONTACT).text("hi").messages

    assert (reply.sid[:2], reply.body, reply.num_media) == ("MM", "look", 1)
    assert [media.content_type for media in twilio._context.media_of(reply.sid)] == ["image/png"]


def test_media_becomes_a_link_if_the_phone_accepts_none(twilio: Emulator, program: Program) -> None:
    """The link is at the end of the text."""
    program.answers("/message", twiml("<Message><Body>look</Body><Media>/picture.png</Media></Message>"))
    (reply,) = twilio.phone(CONTACT).takes_media(False).text("hi").messages
    text, _, link = reply.body.rpartition(" ")

    assert (reply.sid[:2], reply.num_media, text) == ("SM", 0, "look")
    assert link.startswith(twilio.url + "/")


def test_message_is_not_sent_if_its_media_cannot_be_fetched(twilio: Emulator, program: Program) -> None:
    """The problem must not show the password in the URL."""
    program.answers("/message", twiml("<Message><Media>/missing.png</Media></Message><Message>b</Message>"))
    reply = twilio.phone(CONTACT).text("hi")

    assert (reply.texts, codes(reply.problems)) == (["b"], [21620])
    assert "quite-long-enough" not in reply.problems[0].text


FOLLOWED = [
    # id, profile, with a picture, verb, method of the status callback, statuses
    ("none", "current", False, "<Message>a</Message>", None, []),
    ("action", "current", False, "<Message action='/status'>a</Message>", "POST", ["sent", "delivered"]),
    (
        "statusCallback",
        "current",
        False,
        "<Message statusCallback='/status'>a</Message>",
        "POST",
        ["sent", "delivered"],
    ),
    ("GET", "current", False, "<Message action='/status' method='GET'>a</Message>", "GET", ["sent", "delivered"]),
    (
        "both",
        "current",
        False,
        "<Message action='/status' statusCallback='/never'>a</Message>",
        "POST",
        ["sent", "delivered"],
    ),
    ("picture, action", "current", True, "<Message action='/never'>a</Message>", None, []),
    (
        "picture, both",
        "current",
        True,
        "<Message action='/never' statusCallback='/status'>a</Message>",
        "POST",
        ["sent", "delivered"],
    ),
    ("legacy", "current", False, "<Sms action='/status'>a</Sms>", "POST", ["sent"]),
    (
        "2014",
        "2014",
        False,
        "<Message statusCallback='/status' method='GET'>a</Message>",
        "POST",
        ["sent", "delivered"],
    ),
    ("2014, legacy", "2014", False, "<Sms statusCallback='/status' method='GET'>a</Sms>", "POST", ["sent"]),
    ("2008", "2008", False, "<Message statusCallback='/status'>a</Message>", "POST", ["sent"]),
]


@pytest.mark.parametrize(
    ("profile", "with_picture", "verb", "method", "statuses"), [pytest.param(*row, id=name) for name, *row in FOLLOWED]
)
def test_attributes_of_the_verb_set_the_status_callback(
    program: Program, profile: str, with_picture: bool, verb: str, method: str | None, statuses: list[str]
) -> None:
    """Which attribute applies depends on the profile and on the inbound message."""
    program.answers("/message", twiml(verb))
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        reply = twilio.phone(CONTACT).text("hi", media=[PICTURE] if with_picture else [])
        assert twilio.settle()
        posted = program.at("/status")

        assert reply.texts == ["a"]
        assert {request.method for request in posted} == ({method} if method else set())
        forms = [
            {**dict(request.form.pairs), **{key: each[0] for key, each in request.query.items()}} for request in posted
        ]
        assert [each["SmsStatus"] for each in forms] == statuses
        assert {each["SmsSid"] for each in forms} == ({reply.messages[0].sid} if method else set())
        assert all(("MessageStatus" in each) is (len(statuses) == 2) for each in forms)
        assert program.at("/never") == []


def test_status_callback_of_2008_has_national_numbers(program: Program) -> None:
    """It has no ApiVersion either."""
    program.answers("/message", twiml("<Sms statusCallback='/status'>a</Sms>"))
    with emulator(profile="2008") as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        reply = twilio.phone(CONTACT).text("hi")
        assert twilio.settle()

    assert dict(program.at("/status")[0].form.pairs) == {
        "SmsSid": reply.messages[0].sid,
        "SmsStatus": "sent",
        "AccountSid": twilio.account_sid,
        "From": "5017122661",
        "To": "5558675310",
    }


@pytest.mark.parametrize(
    ("verb", "paths"),
    [
        pytest.param("<Message>a</Message>", ["/service", "/service"], id="the service's"),
        pytest.param("<Message action='/status'>a</Message>", ["/status", "/status"], id="the message's own"),
        pytest.param("<Message from='+15017122664'>a</Message>", [], id="from another number"),
    ],
)
def test_status_callback_of_the_service_is_the_default(program: Program, verb: str, paths: list[str]) -> None:
    """A number has no status callback for messages, but its service may have one."""
    program.answers("/service", NOTHING)
    program.answers("/message", twiml(verb))
    service = {
        "sid": SERVICE,
        "numbers": [NUMBER],
        "inbound_request_url": program.url("/message"),
        "status_callback": program.url("/service"),
    }
    with seeded(program, services=[service]) as twilio:
        (reply,) = twilio.phone(CONTACT).text("hi", number=NUMBER).messages
        assert twilio.settle()

    assert program.paths == ["/message", *paths]
    assert reply.messaging_service_sid == (SERVICE if reply.from_ == NUMBER else "")


def test_status_callback_of_the_number_is_not_used(twilio: Emulator, program: Program) -> None:
    """It is only for calls."""
    program.answers("/message", say("hello"))
    number = twilio._context.find_number(NUMBER)
    assert number
    twilio._context.store.save(replace(number, status_callback=program.url("/status")))
    twilio.phone(CONTACT).text("hi")
    assert twilio.settle()

    assert program.paths == ["/message"]


def test_trial_account_replies_to_the_contact_and_verified_numbers(program: Program) -> None:
    """Other recipients are refused with 14111, and every text has the trial prefix."""
    program.answers(
        "/message",
        twiml(f"<Message>a</Message><Message to='{FRIEND}'>b</Message><Message to='+15558675312'>c</Message>"),
    )
    with seeded(program, account={"type": "Trial", "verified": [FRIEND]}) as twilio:
        reply = twilio.phone(CONTACT).text("hi", number=NUMBER)

    assert reply.texts == ["Sent from your Twilio trial account - a", "Sent from your Twilio trial account - b"]
    assert codes(reply.problems) == [14111]


def test_reply_to_a_contact_who_opted_out_fails(twilio: Emulator, program: Program) -> None:
    """It is stored with its error code, its status is posted, and only Twilio's own answer arrives."""
    program.answers("/message", twiml("<Message action='/status'>sorry to see you go</Message>"))
    phone = twilio.phone(CONTACT)
    reply = phone.text("STOP")
    assert twilio.settle()
    (message,) = reply.messages

    assert (message.status, message.error_code, codes(reply.problems)) == ("failed", 21610, [21610])
    assert [request.form["MessageStatus"] for request in program.at("/status")] == ["failed"]
    assert program.at("/status")[0].form["ErrorCode"] == "21610"
    assert ["sorry" in message.body for message in phone.inbox] == [False]


@pytest.mark.parametrize(("profile", "limit"), [("current", 30), ("2014", 15), ("2008", 15)])
def test_replies_between_two_numbers_are_limited(program: Program, profile: str, limit: int) -> None:
    """Two programs may reply to each other; the error is 14107, and the limit is per 30 seconds."""
    program.answers("/message", say("a"))
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        phone = twilio.phone(CONTACT)
        for _ in range(limit):
            assert phone.text("hi").texts == ["a"]
        refused = phone.text("hi")
        other = twilio.phone(FRIEND).text("hi")
        twilio.advance(LOOP_WINDOW_S)
        later = phone.text("hi")

        assert (refused.texts, codes(refused.problems), refused.problems[0].level) == ([], [14107], "error")
        assert (other.texts, later.texts) == (["a"], ["a"])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), max_size=60), st.integers(1, 5))
def test_counter_admits_exactly_its_limit_in_any_window(asked: list[tuple[str, int]], limit: int) -> None:
    """Fewer would refuse valid replies, more would not stop a loop in time."""
    counter, now = ReplyCounter(limit), 0.0
    admitted: dict[str, list[float]] = {"a": [], "b": []}
    for name, wait in asked:
        now += wait
        recent = [moment for moment in admitted[name] if moment > now - LOOP_WINDOW_S]
        is_admitted = counter.admits((name, "c"), now)
        assert is_admitted is (len(recent) < limit)
        admitted[name] += [now] * is_admitted


def test_counter_forgets_inactive_pairs() -> None:
    """An emulator that runs for weeks must not grow with every contact."""
    counter = ReplyCounter(1)
    for n in range(10_001):
        assert counter.admits((NUMBER, str(n)), 0.0)
    assert counter.admits((NUMBER, "last"), LOOP_WINDOW_S)
    assert not counter.admits((NUMBER, "last"), LOOP_WINDOW_S)
    counter.clear()

    assert counter.admits((NUMBER, "last"), LOOP_WINDOW_S)


def test_several_replies_arrive_in_random_order(twilio: Emulator, program: Program) -> None:
    """Twilio does not guarantee any order, so a program that relies on it should fail in its tests."""
    texts = [str(n) for n in range(8)]
    program.answers("/message", say(*texts))
    phone = twilio.phone(CONTACT)
    assert phone.text("hi").texts == texts
    assert twilio.settle()
    arrived = [message.body for message in phone.inbox]

    assert sorted(arrived) == texts
    assert arrived != texts


class Parts:
    """Replying without the rest of the emulator, with a small queue and a low reply limit."""

    def __init__(self) -> None:
        self.context = make_context(profile=replace(find_profile("current"), queue_s=1, reply_limit=2))
        store, clock = self.context.store, self.context.clock
        self.schedule = Schedule(clock)
        self.debugger = Debugger(store, clock, self.context.new_sid)
        steps = DeliverySteps(self.schedule, clock)
        statuses = StatusChanges(self.context, self.schedule, steps, lambda _: None)
        delivery = Delivery(self.context, steps, statuses)
        composer, fetcher = Composer(self.context), MediaFetcher(HttpTransport())
        self.replying = Replying(self.context, self.debugger, composer, delivery, OptOuts(self.context), fetcher)
        dates: dict[str, Any] = {"account_sid": "AC1", "date_created": MONDAY, "date_updated": MONDAY}
        store.save(Account(sid="AC1", auth_token="token", **dates))
        self.inbound = MessageRecord(
            sid="SM1", to=NUMBER, from_=CONTACT, body="hi", status="received", direction="inbound", **dates
        )

    def reply(self) -> MessageRecord | None:
        """Compose and send a reply."""
        reply = self.replying.compose(SendStep(text="a", media=()), self.inbound, "http://127.0.0.1:1/message")
        if reply:
            self.replying.begin([reply])
        return reply


@pytest.fixture
def parts() -> Iterator[Parts]:
    """The parts."""
    parts = Parts()
    with closing(parts.context.store):
        yield parts


def test_reply_that_finds_the_queue_full_fails(parts: Parts) -> None:
    """The error code is 21611, as through the REST API."""
    first, second = parts.reply(), parts.reply()
    assert parts.schedule.settle()
    assert first
    assert second

    assert (second.status, second.error_code) == ("failed", 21611)
    assert codes(parts.debugger.entries()) == [21611]
    statuses = [message.status for message in parts.context.store.find(MessageRecord, oldest_first=True)]
    assert statuses == ["delivered", "failed"]


def test_clear_resets_the_reply_counts(parts: Parts) -> None:
    """After a reset, the replies of the previous test must not count."""
    for _ in range(2):
        assert parts.reply()
    assert parts.reply() is None
    parts.replying.clear()

    assert parts.reply()


def test_number_of_counted_pairs_is_limited() -> None:
    """If the clock is stepped and nobody moves it, no pair expires."""
    counter = ReplyCounter(1)
    admitted = [counter.admits((f"+1{number}", "+15005550006"), 0.0) for number in range(MAX_PAIRS + 2)]

    assert all(admitted)
    assert counter.admits(("+10", "+15005550006"), 0.0), "the oldest pair is forgotten"
    assert not counter.admits((f"+1{MAX_PAIRS}", "+15005550006"), 0.0)
