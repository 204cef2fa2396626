"""The emulator as a whole, as tests and developers use it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, MONDAY, NUMBER, Program, say, send
from tests.servers import ROOT, clean_environment, refusing_port
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions, FetchedMedia
from twiml_app.emulator.clocks import LATEST
from twiml_app.emulator.resources import DebuggerEntry, MessagingService
from twiml_app.emulator.rest.request_log import LoggedRequest
from twiml_app.emulator.webhook_log import LoggedWebhook
from twiml_app.errors import ConfigurationError


def test_message_reaches_a_phone_after_some_time() -> None:
    """This is the first thing that users try."""
    with Emulator() as emulator:
        message = send(emulator)
        phone = emulator.phone(CONTACT)
        before = [each.body for each in phone.inbox]
        emulator.settle()

        assert (before, [each.body for each in phone.inbox]) == ([], ["hello"])
        assert message.fetch().status == "delivered"
        assert [each.status for each in emulator.outbox] == ["delivered"]


def test_account_is_a_fixed_one_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account of the environment or the options is used instead, because the program uses it too."""
    with Emulator() as emulator:
        assert (emulator.account_sid, emulator.auth_token) == (ACCOUNT_SID, AUTH_TOKEN)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of the environment")
    with Emulator() as emulator:
        assert (emulator.account_sid, emulator.auth_token) == ("AC" + "1" * 32, "of the environment")
        assert send(emulator).account_sid == "AC" + "1" * 32
    with Emulator(EmulatorOptions(account_sid="AC" + "2" * 32, auth_token="given")) as emulator:
        assert (emulator.account_sid, emulator.auth_token) == ("AC" + "2" * 32, "given")


def test_seed_with_numbers_restricts_the_senders() -> None:
    """A program that sends from a number it does not own must fail, as it would at Twilio."""
    with Emulator(EmulatorOptions(seed={"numbers": [{"phone_number": "+15017122662"}]})) as emulator:
        with pytest.raises(TwilioRestException) as refused:
            send(emulator)

        assert refused.value.code == 21606


def test_watchers_are_called_for_requests_entries_and_webhooks() -> None:
    """The command line prints them as they happen."""
    requests: list[LoggedRequest] = []
    entries: list[DebuggerEntry] = []
    webhooks: list[LoggedWebhook] = []
    with refusing_port() as port, Emulator() as emulator:
        url = f"http://127.0.0.1:{port}/message"
        emulator.watch(requests.append, entries.append, webhooks.append)
        emulator.add_number(NUMBER, url)
        emulator.phone(CONTACT).text("hi")
        send(emulator)

        assert [(each.method, each.status) for each in requests] == [("POST", 201)]
        assert [each.code for each in entries] == [11205]
        assert [(each.method, each.url, each.status) for each in webhooks] == [("POST", url, 0)] * 2
        assert emulator.webhooks == webhooks


def test_phone_texts_the_only_number_by_default() -> None:
    """Most programs have one number; with several, a guess could test the wrong one."""
    with Emulator() as emulator:
        phone = emulator.phone(CONTACT)
        with pytest.raises(ConfigurationError, match="number: no number exists yet: add one"):
            phone.text("hi")
        emulator.add_number(NUMBER)
        assert phone.text("hi").inbound.to == NUMBER
        emulator.add_number("+15017122662")
        with pytest.raises(ConfigurationError, match="number: several numbers exist: say which one to use"):
            phone.text("hi")
        assert phone.text("hi", number="+15017122662").inbound.to == "+15017122662"
        with pytest.raises(ConfigurationError, match="is not one of your numbers"):
            phone.text("hi", number="+15017122663")


def test_number_that_is_added_again_is_updated() -> None:
    """A test may point the number of a fixture at another path."""
    with Emulator() as emulator:
        first = emulator.add_number(NUMBER, "http://127.0.0.1:1/message", method="GET")
        second = emulator.add_number(NUMBER, "http://127.0.0.1:2/message")

        assert (second.sid, second.sms_url, second.sms_method) == (first.sid, "http://127.0.0.1:2/message", "GET")


def test_phone_sends_bytes_as_a_picture() -> None:
    """A test has the bytes of its picture, not a URL."""
    picture = FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")
    with Emulator() as emulator:
        emulator.add_number(NUMBER)
        inbound = emulator.phone(CONTACT).text("look", media=[picture]).inbound
        (media,) = emulator.client().messages(inbound.sid).media.list()

        assert (inbound.num_media, media.content_type) == (1, "image/png")


def test_phone_that_accepts_no_media_gets_a_link() -> None:
    """The program can then see that the text became longer."""
    with Emulator() as emulator:
        emulator.phone(CONTACT).takes_media(False)
        message = send(emulator, "look", media_url=["https://example.com/cat.jpg"])

        assert message.num_media == "0"
        assert message.body.startswith(f"look {emulator.url}/")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"clock": "slow"}, "clock: 'slow' is not one of: real, fast, step", id="clock"),
        pytest.param({"profile": "1999"}, "profile: '1999' is not one of: current, 2014, 2008", id="profile"),
        pytest.param({"seed": {"cats": []}}, "seed: 'cats' is not one of: account, accounts", id="seed"),
        pytest.param({"state": "/nowhere/state.db"}, "state: /nowhere/state.db cannot be used", id="state"),
    ],
)
def test_invalid_options_are_named(options: dict[str, Any], problem: str) -> None:
    """A mistyped option must not silently become the default."""
    with pytest.raises(ConfigurationError) as refused:
        Emulator(EmulatorOptions(**options))

    assert str(refused.value).startswith(problem)


def test_unknown_delivery_outcome_is_refused() -> None:
    """With a mistyped status, every message of the test would be delivered."""
    with Emulator() as emulator, pytest.raises(ConfigurationError, match="'undeliverd' is not one of: delivered"):
        emulator.phone(CONTACT).will("undeliverd")


def test_client_of_the_emulator_ignores_edge_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official library inserts both into every host name, which would then not exist."""
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    with Emulator() as emulator:
        assert send(emulator).status == "queued"


def test_two_emulators_do_not_see_each_other() -> None:
    """Tests that run in parallel each have their own."""
    with Emulator() as one, Emulator() as other:
        send(one)

        assert (len(one.outbox), len(other.outbox)) == (1, 0)


def test_running_clock_delivers_automatically() -> None:
    """Developers do not step the clock."""
    with Emulator(EmulatorOptions(clock="fast")) as emulator:
        send(emulator)

        assert emulator.settle()
        assert [each.status for each in emulator.outbox] == ["delivered"]


def test_missing_dependencies_of_the_emulator_are_named() -> None:
    """The base install has only what a server needs; the dependencies of the emulator are an extra."""
    script = (
        "import sys\n"
        "from twiml_app.emulator import Emulator\n"
        "from twiml_app.errors import ConfigurationError\n"
        "sys.path.clear()  # no further module can be imported\n"
        "try:\n"
        "    Emulator()\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    environment = clean_environment(PATH=os.environ["PATH"], PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)

    assert done.stdout == b"emulator: it needs the extra dependencies: pip install 'twiml-app[dev]'\n"


@pytest.mark.parametrize("number", ["garbage", "", "News"])
def test_phone_needs_a_valid_number(number: str) -> None:
    """With a typo, the settings would apply to a phone that does not exist."""
    with Emulator() as emulator, pytest.raises(ConfigurationError, match="is not a phone number: use a form like"):
        emulator.phone(number)


def test_contact_is_normalized() -> None:
    """People write numbers with brackets and dashes."""
    with Emulator() as emulator:
        assert emulator.phone("+1 (555) 867-5310").contact == CONTACT


def test_seed_without_numbers_allows_any_sender() -> None:
    """A seed that only configures the account need not list senders."""
    with Emulator(EmulatorOptions(seed={"account": {"type": "Trial", "verified": [CONTACT]}})) as emulator:
        assert send(emulator).body == "Sent from your Twilio trial account - hello"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("hello",), "'hello' is not a phone number: use a form like", id="a name"),
        pytest.param((NUMBER, "localhost/message"), "its URL must begin with http:// or https://", id="no scheme"),
        pytest.param((NUMBER, "http://"), "its URL must begin with http:// or https://", id="no host"),
    ],
)
def test_invalid_number_or_url_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    """No message could ever reach it."""
    with Emulator() as emulator, pytest.raises(ConfigurationError, match=problem):
        emulator.add_number(*arguments)


def test_numbers_are_normalized() -> None:
    """People write numbers with spaces and brackets."""
    with Emulator() as emulator:
        number = emulator.add_number("+1 501 712 2661", application_sid="AP" + "1" * 32, mms=False)
        reply = emulator.phone(CONTACT).text("hi", number="+1 (501) 712-2661")

        assert (number.phone_number, number.sms_application_sid, number.mms) == (NUMBER, "AP" + "1" * 32, False)
        assert (reply.inbound.to, reply.unrouted) == (NUMBER, f"{NUMBER} has no Message URL")


def test_start_and_stop_are_idempotent() -> None:
    """A fixture and its test may both call them."""
    emulator = Emulator()
    emulator.start()
    assert emulator.start() is emulator
    assert send(emulator).status == "queued"
    emulator.stop()
    emulator.stop()

    with pytest.raises(ConfigurationError, match="emulator: it was stopped and cannot be started again: create a new"):
        emulator.start()


def test_emulator_can_be_stopped_inside_its_block() -> None:
    """The end of the block then has nothing to do."""
    with Emulator() as emulator:
        emulator.stop()

    assert emulator.url


@pytest.mark.parametrize("seconds", [-1.0, LATEST], ids=["backwards", "year 10000"])
def test_step_out_of_range_is_refused(seconds: float) -> None:
    """From then on, every answer with a date would be an internal error."""
    with Emulator(EmulatorOptions(start=MONDAY)) as emulator:
        with pytest.raises(ConfigurationError, match=r"clock: cannot advance by .* or past 9999-01-01"):
            emulator.advance(seconds)

        assert emulator.clock.now() == MONDAY


def test_message_at_the_latest_time_is_delivered() -> None:
    """Its dates can still be formatted."""
    with Emulator(EmulatorOptions(start=MONDAY)) as emulator:
        emulator.advance(LATEST - MONDAY)
        message = send(emulator)
        assert emulator.settle()

        assert message.fetch().date_sent.year == 9999


def test_message_sent_before_the_start_is_sent_once(program: Program) -> None:
    """The start must not treat it as a message left over in a state."""
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
    emulator._context.store.save(service)
    emulator.phone(CONTACT).will("failed").text("hi")
    emulator.advance(0.2)
    with emulator:
        assert emulator.settle()

        assert [each.form["MessageStatus"] for each in program.received if each.path == "/status"] == ["failed"]
