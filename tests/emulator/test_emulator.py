"""The emulator as a whole: what a test or a developer does with it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, MONDAY, NUMBER, Program, say, send
from tests.servers import ROOT, clean_environment
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions, FetchedMedia
from twiml_app.emulator.clocks import LATEST
from twiml_app.emulator.resources import DebuggerEntry, MessagingService
from twiml_app.emulator.rest.request_log import LoggedRequest
from twiml_app.emulator.webhook_log import LoggedWebhook
from twiml_app.errors import ConfigurationError


def test_message_reaches_a_phone_once_time_has_passed() -> None:
    """The first thing that anybody tries."""
    with Emulator() as emulator:
        message = send(emulator)
        phone = emulator.phone(CONTACT)
        before = [each.body for each in phone.inbox]
        emulator.settle()

        assert (before, [each.body for each in phone.inbox]) == ([], ["hello"])
        assert message.fetch().status == "delivered"
        assert [each.status for each in emulator.outbox] == ["delivered"]


def test_account_is_the_fixed_one_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program signs and sends with the account that its environment names: the emulator is that one."""
    with Emulator() as emulator:
        assert (emulator.account_sid, emulator.auth_token) == (ACCOUNT_SID, AUTH_TOKEN)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of the environment")
    with Emulator() as emulator:
        assert (emulator.account_sid, emulator.auth_token) == ("AC" + "1" * 32, "of the environment")
        assert send(emulator).account_sid == "AC" + "1" * 32
    with Emulator(EmulatorOptions(account_sid="AC" + "2" * 32, auth_token="given")) as emulator:
        assert (emulator.account_sid, emulator.auth_token) == ("AC" + "2" * 32, "given")


def test_seed_says_who_may_send() -> None:
    """With numbers named, a program that sends from another one must fail here, as it would there."""
    with Emulator(EmulatorOptions(seed={"numbers": [{"phone_number": "+15017122662"}]})) as emulator:
        with pytest.raises(TwilioRestException) as refused:
            send(emulator)

        assert refused.value.code == 21606


def test_watchers_are_told_of_requests_and_entries_as_they_happen() -> None:
    """Whoever looks at the terminal sees at once what went wrong."""
    requests: list[LoggedRequest] = []
    entries: list[DebuggerEntry] = []
    webhooks: list[LoggedWebhook] = []
    with Emulator() as emulator:
        emulator.watch(requests.append, entries.append, webhooks.append)
        emulator.add_number(NUMBER, "http://127.0.0.1:1/message")
        emulator.phone(CONTACT).text("hi")
        send(emulator)

        assert [(each.method, each.status) for each in requests] == [("POST", 201)]
        assert [each.code for each in entries] == [11205]
        assert [(each.method, each.url, each.status) for each in webhooks] == [
            ("POST", "http://127.0.0.1:1/message", 0)
        ] * 2
        assert emulator.webhooks == webhooks


def test_phone_texts_the_only_number_unless_one_is_named() -> None:
    """Most programs have one number; with two, guessing would test the wrong one."""
    with Emulator() as emulator:
        phone = emulator.phone(CONTACT)
        with pytest.raises(ConfigurationError, match="number: there is none yet: add one"):
            phone.text("hi")
        emulator.add_number(NUMBER)
        assert phone.text("hi").inbound.to == NUMBER
        emulator.add_number("+15017122662")
        with pytest.raises(ConfigurationError, match="number: say which: there are several"):
            phone.text("hi")
        assert phone.text("hi", number="+15017122662").inbound.to == "+15017122662"
        with pytest.raises(ConfigurationError, match="is no number of ours"):
            phone.text("hi", number="+15017122663")


def test_number_that_is_added_again_is_changed() -> None:
    """A test may point the number of the fixture to another path."""
    with Emulator() as emulator:
        first = emulator.add_number(NUMBER, "http://127.0.0.1:1/message", method="GET")
        second = emulator.add_number(NUMBER, "http://127.0.0.1:2/message")

        assert (second.sid, second.sms_url, second.sms_method) == (first.sid, "http://127.0.0.1:2/message", "GET")


def test_phone_sends_bytes_as_a_picture() -> None:
    """A test has its picture at hand, not at a URL."""
    picture = FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")
    with Emulator() as emulator:
        emulator.add_number(NUMBER)
        inbound = emulator.phone(CONTACT).text("look", media=[picture]).inbound
        (media,) = emulator.client().messages(inbound.sid).media.list()

        assert (inbound.num_media, media.content_type) == (1, "image/png")


def test_phone_that_takes_no_pictures_gets_a_link() -> None:
    """The text that arrives is another one then, and longer."""
    with Emulator() as emulator:
        emulator.phone(CONTACT).takes_media(False)
        message = send(emulator, "look", media_url=["https://example.com/cat.jpg"])

        assert message.num_media == "0"
        assert message.body.startswith(f"look {emulator.url}/")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"clock": "slow"}, "clock: 'slow' is none of real, fast, step", id="clock"),
        pytest.param({"profile": "1999"}, "profile: '1999' is none of current, 2014, 2008", id="profile"),
        pytest.param({"seed": {"cats": []}}, "seed: 'cats' is none of account, accounts", id="seed"),
        pytest.param({"state": "/nowhere/state.db"}, "state: /nowhere/state.db cannot be used", id="state"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], problem: str) -> None:
    """A mistyped option must not become a default."""
    with pytest.raises(ConfigurationError) as refused:
        Emulator(EmulatorOptions(**options))

    assert str(refused.value).startswith(problem)


def test_unknown_fate_of_a_phone_is_refused() -> None:
    """A mistyped status would let every message of the test arrive."""
    with Emulator() as emulator, pytest.raises(ConfigurationError, match="'undeliverd' is none of delivered"):
        emulator.phone(CONTACT).will("undeliverd")


def test_client_of_the_emulator_is_immune_to_edge_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official library writes both into any address it is given, which leads nowhere."""
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    with Emulator() as emulator:
        assert send(emulator).status == "queued"


def test_two_emulators_do_not_see_each_other() -> None:
    """Tests that run side by side each have one."""
    with Emulator() as one, Emulator() as other:
        send(one)

        assert (len(one.outbox), len(other.outbox)) == (1, 0)


def test_clock_that_runs_delivers_by_itself() -> None:
    """A developer's emulator is not moved by hand."""
    with Emulator(EmulatorOptions(clock="fast")) as emulator:
        send(emulator)

        assert emulator.settle()
        assert [each.status for each in emulator.outbox] == ["delivered"]


def test_emulator_says_what_it_needs_where_its_tools_are_missing() -> None:
    """The base install carries what a server needs: the emulator's tools are an extra."""
    script = (
        "import sys\n"
        "from twiml_app.emulator import Emulator\n"
        "from twiml_app.errors import ConfigurationError\n"
        "sys.path.clear()  # nothing more can be imported\n"
        "try:\n"
        "    Emulator()\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    environment = clean_environment(PATH=os.environ["PATH"], PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)

    assert done.stdout == b"emulator: it needs more than the receiver: pip install 'twiml-app[dev]'\n"


@pytest.mark.parametrize("number", ["garbage", "", "News"])
def test_phone_needs_a_number(number: str) -> None:
    """A typo would set the fate of a phone that nobody has."""
    with Emulator() as emulator, pytest.raises(ConfigurationError, match="is no number: write it as"):
        emulator.phone(number)


def test_phone_is_the_same_however_its_number_is_written() -> None:
    """People write numbers with brackets and dashes."""
    with Emulator() as emulator:
        assert emulator.phone("+1 (555) 867-5310").contact == CONTACT


def test_seed_without_numbers_leaves_every_sender_good() -> None:
    """Who only wants a trial account need not list senders."""
    with Emulator(EmulatorOptions(seed={"account": {"type": "Trial", "verified": [CONTACT]}})) as emulator:
        assert send(emulator).body == "Sent from your Twilio trial account - hello"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("hello",), "'hello' is no number: write it as", id="a name"),
        pytest.param((NUMBER, "localhost/message"), "its URL begins with http:// or https://", id="no scheme"),
        pytest.param((NUMBER, "http://"), "its URL begins with http:// or https://", id="no host"),
    ],
)
def test_number_that_is_none_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    """Nothing could ever reach it."""
    with Emulator() as emulator, pytest.raises(ConfigurationError, match=problem):
        emulator.add_number(*arguments)


def test_numbers_are_found_however_they_are_written() -> None:
    """People write numbers with blanks and brackets."""
    with Emulator() as emulator:
        number = emulator.add_number("+1 501 712 2661", application_sid="AP" + "1" * 32, mms=False)
        turn = emulator.phone(CONTACT).text("hi", number="+1 (501) 712-2661")

        assert (number.phone_number, number.sms_application_sid, number.mms) == (NUMBER, "AP" + "1" * 32, False)
        assert (turn.inbound.to, turn.unrouted) == (NUMBER, f"{NUMBER} has no Message URL")


def test_started_and_stopped_twice_is_started_and_stopped_once() -> None:
    """A fixture and its test may both do it."""
    emulator = Emulator()
    emulator.start()
    assert emulator.start() is emulator
    assert send(emulator).status == "queued"
    emulator.stop()
    emulator.stop()

    with pytest.raises(ConfigurationError, match="emulator: it was stopped, and cannot be started again: make another"):
        emulator.start()


def test_stopped_inside_its_block_is_stopped_once() -> None:
    """The end of the block finds it closed."""
    with Emulator() as emulator:
        emulator.stop()

    assert emulator.url


@pytest.mark.parametrize("seconds", [-1.0, LATEST], ids=["back", "the year 10000"])
def test_step_that_the_clock_cannot_take_is_refused(seconds: float) -> None:
    """Every answer with a date would be an internal error from then on."""
    with Emulator(EmulatorOptions(start=MONDAY)) as emulator:
        with pytest.raises(ConfigurationError, match=r"clock: it cannot go on by .* nor beyond 9999-01-01"):
            emulator.advance(seconds)

        assert emulator.clock.now() == MONDAY


def test_last_moment_can_still_be_written() -> None:
    """What is sent then arrives."""
    with Emulator(EmulatorOptions(start=MONDAY)) as emulator:
        emulator.advance(LATEST - MONDAY)
        message = send(emulator)
        assert emulator.settle()

        assert message.fetch().date_sent.year == 9999


def test_what_happens_before_the_start_happens_once(program: Program) -> None:
    """The start must not take up what is on its way already as something that a state left behind."""
    program.answers("/message", say("hello"))
    emulator = Emulator()
    service = MessagingService(
        sid="MG" + "1" * 32,
        account_sid=emulator.account_sid,
        date_created=MONDAY,
        date_updated=MONDAY,
        inbound_request_url=program.url("/message"),
        status_callback=program.url("/status"),
        numbers=(emulator.add_number(NUMBER).sid,),
    )
    emulator.context.store.save(service)
    emulator.phone(CONTACT).will("failed").text("hi")
    emulator.advance(0.2)
    with emulator:
        assert emulator.settle()

        assert [each.form["MessageStatus"] for each in program.received if each.path == "/status"] == ["failed"]
