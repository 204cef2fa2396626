"""The ``emulator`` fixture, in separate pytest runs: a local Twilio calls the user's application."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

HANDLERS = """
import os

from twilio.rest import Client
from twiml_app import InboundMessage, Media, Message, Redirect, Router, StatusCallback

router = Router()
lost = []
client = Client("AC" + "0" * 32, "made by the test")

@router.message(query={"step": "2"})
def second(message: InboundMessage) -> str:
    return "two"

@router.message("steps")
def first(message: InboundMessage) -> list[Message | Redirect]:
    return [Message("one"), Redirect("?step=2")]

@router.message("owl")
def owl(message: InboundMessage) -> Message:
    return Message("Here:", Media("https://example.com/owl.png"))

@router.message("both")
def both(message: InboundMessage) -> str:
    client.messages.create(to=message.contact, from_=message.number, body="by the API")
    return "by TwiML"

@router.message("broken")
def broken(message: InboundMessage) -> str:
    raise RuntimeError("out of coffee")

@router.default
def other(message: InboundMessage) -> str:
    return f"you say {message.body}"

@router.error_code(30005)
def unknown(status: StatusCallback) -> None:
    lost.append((status.in_reply_to, status.contact))

routers = [router]
"""

#: Applications with different configurations: their settings and URL prefix.
APPS = """
import pytest
from flask import Flask
from handlers import router
from twiml_app import Router
from twiml_app.app import Twiml

TOKEN, BASIC = "0123456789abcdef0123456789abcdef", {"TWIML_CREDENTIALS": "sms:quite-long-enough"}
ACCOUNT = "AC" + "7" * 32
KEYS = {"TWIML_SHARED_KEYS": {"key1": "a secret that is shared"}}
PUBLIC = {"TWIML_PUBLIC_URL": "https://sms.example.com"}

APPS = {
    "basic": (BASIC, ""),
    "awkward password": ({"TWIML_CREDENTIALS": "sms:p@ss:w/rd#1%"}, ""),
    "signature": ({"TWILIO_AUTH_TOKEN": TOKEN}, ""),
    "account": ({"TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT}, ""),
    "tokens by account": ({"TWIML_AUTH_TOKENS": {ACCOUNT: [TOKEN]}, "TWIML_ACCOUNTS": ACCOUNT}, ""),
    "shared keys": (KEYS, ""),
    "basic and shared keys, public": (BASIC | KEYS | PUBLIC, ""),
    "public": (BASIC | PUBLIC | {"TWILIO_AUTH_TOKEN": TOKEN}, ""),
    "public, behind a path": ({"TWIML_PUBLIC_URL": "https://example.com/in", "TWILIO_AUTH_TOKEN": TOKEN}, ""),
    "prefix": (BASIC | {"TWILIO_AUTH_TOKEN": TOKEN}, "/sms"),
    "public, prefix": (PUBLIC | {"TWILIO_AUTH_TOKEN": TOKEN}, "/sms"),
    "other paths": (BASIC | {"TWIML_MESSAGE_PATH": "/in", "TWIML_STATUS_PATH": "/st"}, ""),
}

@pytest.fixture(params=APPS)
def app(request: pytest.FixtureRequest) -> Flask:
    settings, prefix = APPS[request.param]
    app = Flask(__name__)
    app.config.update({"TWIML_DATABASE_URL": "off"} | settings)
    Twiml(app, router=Router(router), url_prefix=prefix)
    return app
"""

CONVERSATION = """
import os

import handlers
from twilio.rest import Client

PHONE = "+15558675310"

def test_reply(emulator):
    turn = emulator.phone(PHONE).text("hi")

    assert turn.problems == []
    assert turn.text == "you say hi"

def test_redirect(emulator):
    turn = emulator.phone(PHONE).text("steps")

    assert (turn.problems, turn.texts) == ([], ["one", "two"])

def test_delivery(emulator):
    phone = emulator.phone(PHONE)
    turn = phone.text("owl")
    assert phone.inbox == []
    emulator.settle()

    assert [message.num_media for message in phone.inbox] == [1]
    assert [message.sid for message in emulator.outbox] == [reply.sid for reply in turn.messages]
    assert emulator.debugger == []

def test_lost_reply(emulator):
    handlers.lost.clear()
    turn = emulator.phone(PHONE).will("undelivered", 30005).text("hi")
    emulator.settle()

    assert handlers.lost == [(turn.inbound.sid, PHONE)]
    assert emulator.debugger == []

def test_broken_handler(emulator):
    turn = emulator.phone(PHONE).text("broken")

    assert [problem.code for problem in turn.problems] == [11200]
    assert turn.messages == []

def test_api(emulator, monkeypatch):
    client = Client()  # as in a handler: configured only by the environment
    client.api.base_url = os.environ["TWIML_EMULATOR_URL"]
    monkeypatch.setattr(handlers, "client", client)
    phone = emulator.phone(PHONE)

    turn = phone.text("both")
    emulator.settle()

    assert (turn.problems, turn.texts) == ([], ["by TwiML"])
    assert sorted(message.body for message in phone.inbox) == ["by TwiML", "by the API"]
    assert [request.status for request in emulator.requests] == [201]
"""

#: A parametrized fixture must be known when tests are collected.
NAMES_APP = """
import pytest

pytestmark = pytest.mark.usefixtures("app")
"""

UNAUTHENTICATED = """
def test_authentication_is_on(app, emulator):
    client, paths = app.test_client(), app.extensions["twiml"].settings.paths
    prefix = app.extensions["twiml"].url_prefix

    assert client.post(prefix + paths["message"], data={"Body": "hi"}).status_code in (401, 403)
    assert client.post(prefix + paths["status"], data={"MessageStatus": "sent"}).status_code in (401, 403)
"""

#: Each of these tests would fail if it saw the effects of another one.
ISOLATED = """
import pytest

@pytest.mark.parametrize("n", range(6))
def test_isolated(emulator, n):
    phone = emulator.phone("+15558675310")
    assert (emulator.outbox, emulator.debugger, emulator.requests, phone.inbox) == ([], [], [], [])

    assert phone.text("hi").problems == []
    assert phone.text("broken").problems != ()
    phone.text("STOP")
    phone.will("undelivered", 30005)
    emulator.client().messages.list()
    emulator.advance(3600)
    assert len(emulator.outbox) == 2
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with handlers; warnings are errors."""
    pytester.makepyfile(handlers=HANDLERS)
    pytester.makeini("[pytest]\npythonpath = .\nfilterwarnings = error\n")
    return pytester


def test_emulator_calls_the_project_in_the_root_folder(project: pytest.Pytester) -> None:
    """A first test needs nothing but the name of the fixture; no files remain in the project."""
    project.makepyfile(CONVERSATION)

    project.runpytest_subprocess().assert_outcomes(passed=6)
    assert not (project.path / "instance").exists()


def test_emulator_passes_the_authentication_of_any_application(project: pytest.Pytester) -> None:
    """As in production, requests need credentials or signatures at any URL, and others are refused."""
    project.makeconftest(APPS)
    project.makepyfile(test_conversation=NAMES_APP + CONVERSATION, test_unauthenticated=UNAUTHENTICATED)

    project.runpytest_subprocess("-n", "2").assert_outcomes(passed=7 * 12)


def test_environment_of_the_project_is_used(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Developers export the settings of production: the fixture signs with that token, for that account."""
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "0" * 32)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "5" * 32)
    monkeypatch.setenv("TWIML_PUBLIC_URL", "https://sms.example.com/in")
    project.makepyfile(
        """
        def test_account(emulator):
            turn = emulator.phone("+15558675310").text("hi")
            assert (emulator.account_sid, emulator.auth_token) == ("AC" + "5" * 32, "0" * 32)
            assert (turn.inbound.account_sid, turn.text) == ("AC" + "5" * 32, "you say hi")
        """
    )

    project.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("options", [(), ("-n", "3")], ids=["one process", "in parallel"])
def test_tests_are_isolated_from_each_other(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    """Every test has its own messages, opt-outs, phones, time and ports."""
    project.makepyfile(ISOLATED)

    project.runpytest_subprocess(*options).assert_outcomes(passed=6)


def test_failing_assertion_shows_the_error_of_the_debugger(project: pytest.Pytester) -> None:
    """The entry of the debugger has the error code and the problem."""
    project.makepyfile(
        """
        def test_broken(emulator):
            turn = emulator.phone("+15558675310").text("broken")
            assert turn.problems == []
        """
    )

    result = project.runpytest_subprocess("-vv")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*11200*", "*answered 500*"])


def test_other_programs_reach_the_emulator_by_the_environment_of_the_fixture(project: pytest.Pytester) -> None:
    """A script beside the application is tested as it is."""
    project.makepyfile(
        send="""
        from twilio.rest import Client

        print(Client().messages.create(to="+15558675310", from_="+15005550006", body="by a script").status)
        """,
        test_send="""
        import subprocess, sys

        def test_script(emulator, emulator_environment):
            done = subprocess.run([sys.executable, "send.py"], env=emulator_environment, capture_output=True, text=True)
            emulator.settle()

            assert (done.stdout, done.stderr) == ("queued\\n", "")
            assert [message.body for message in emulator.phone("+15558675310").inbox] == ["by a script"]
        """,
    )

    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_error_without_handlers_names_the_missing_module(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A likely mistake is to run pytest in another folder."""
    monkeypatch.setenv("TWIML_HANDLERS", "sms_handlers")  # the path may have a module called handlers
    pytester.makepyfile("def test_it(emulator): ...")

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*TWIML_HANDLERS: there is no module sms_handlers in *"])
