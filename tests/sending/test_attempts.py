"""What an answer of the API, or none, means for a message: accepted, failed, tried again, or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.emulator.program import Answer, Program
from tests.sending.bot import ACCOUNT, CONTACT, TOKEN, Bot, serving
from twiml_app.caller import NUMBER
from twiml_app.credentials import Credentials, basic_header
from twiml_app.sending import TwilioApi
from twiml_app.sending.api import _can_call

PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
OTHER = "AC" + "8" * 32
SID = "SM" + "6" * 32
CREATED = Answer(f'{{"sid": "{SID}", "status": "queued"}}'.encode(), 201, "application/json")
CUT = Answer(raw=b"")


def error(status: int, code: int | None = None, **headers: str) -> Answer:
    """Return an error of the API."""
    body = f'{{"code": {code}, "message": "no", "status": {status}}}' if code else "<h1>no</h1>"
    return Answer(body.encode(), status, "application/json", tuple(headers.items()))


@pytest.fixture
def api() -> Iterator[Program]:
    """An API with prepared answers."""
    with Program() as api:
        yield api


def connect(bot: Bot, url: str) -> None:
    """Let a bot send to another API."""
    bot.sending.connect(TwilioApi(replace(bot.state.settings, api_url=url)), bot.twilio.clock.now)


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        pytest.param(CREATED, "accepted", None, id="created"),
        pytest.param(error(400, 21211), "failed", 21211, id="invalid number"),
        pytest.param(error(401, 20003), "failed", 20003, id="wrong token"),
        pytest.param(error(404), "failed", None, id="error without a code"),
        pytest.param(error(429, 20429), "waiting", None, id="too many requests"),
        pytest.param(error(400, 21611), "waiting", None, id="full queue"),
        pytest.param(error(503), "waiting", None, id="outage"),
        pytest.param(error(500, 20500), "waiting", None, id="failure"),
        pytest.param(CUT, "unknown", None, id="cut after the request"),
        pytest.param(Answer(b"<html>", 200, "text/html"), "unknown", None, id="no JSON"),
        pytest.param(Answer(b"{}", 201, "application/json"), "unknown", None, id="no sid"),
        pytest.param(error(408), "unknown", None, id="timeout at a proxy"),
    ],
)
def test_answer_decides_what_becomes_of_a_message(
    local_bot: Bot, api: Program, answer: Answer, state: str, code: int | None
) -> None:
    """Only what Twilio certainly did not take is tried again."""
    api.answers(PATH, answer)
    connect(local_bot, api.bare(""))

    asked = local_bot.send()
    local_bot.sending.run_due()

    row = local_bot.row(asked)
    assert (row.state, row.error_code, row.attempts) == (state, code, 1)
    assert len(api.received) == 1
    assert CONTACT not in row.problem


def test_message_is_tried_again_until_twilio_takes_it(bot: Bot, api: Program) -> None:
    """An outage at Twilio costs a delay, and nothing else."""
    api.answers(PATH, error(503), error(503), CREATED)
    connect(bot, api.bare(""))
    asked = bot.send()
    bot.advance(5)

    assert (bot.row(asked).state, bot.row(asked).attempts, len(api.received)) == ("accepted", 3, 3)


def test_refused_connection_is_tried_again(local_bot: Bot, dead_url: str) -> None:
    """Nothing was sent, so trying again cannot send it twice."""
    connect(local_bot, dead_url)
    asked = local_bot.send()
    local_bot.sending.run_due()
    waiting = local_bot.row(asked)
    connect(local_bot, local_bot.twilio.url)
    local_bot.advance(3)

    assert waiting.state == "waiting"
    assert local_bot.texts() == ["hello"]


def test_message_that_is_never_taken_fails_in_the_end(local_bot: Bot, api: Program) -> None:
    """Everything that waits has a deadline."""
    api.answers(PATH, error(503))
    connect(local_bot, api.bare(""))
    asked = local_bot.send()
    for _ in range(4):
        local_bot.sending.run_due()
        local_bot.twilio.advance(40_000)

    assert local_bot.row(asked).state == "failed"


def test_429_holds_up_its_sender_for_as_long_as_twilio_asks(local_bot: Bot, api: Program) -> None:
    """To go on asking makes Twilio refuse for longer; other senders are not held up."""
    api.answers(PATH, error(429, 20429, **{"Retry-After": "7"}), CREATED)
    connect(local_bot, api.bare(""))
    first, second = local_bot.send("first"), local_bot.send("second")
    local_bot.sending.run_due()
    other = local_bot.send("other", from_="40404")
    local_bot.advance(6)
    after_six = [local_bot.row(each).state for each in (first, second, other)]
    local_bot.advance(3)

    assert after_six == ["waiting", "waiting", "accepted"]
    assert [local_bot.row(each).state for each in (first, second)] == ["accepted", "accepted"]


def test_credentials_and_parameters_are_those_of_the_message(local_bot: Bot, api: Program) -> None:
    """What the official client sends, with the account that the sender belongs to."""
    api.answers(PATH, CREATED)
    connect(local_bot, api.bare(""))
    local_bot.send("hi", media="https://example.com/owl.png")
    local_bot.sending.drain()

    (request,) = api.received
    sent = dict(request.form)
    url = sent.pop("StatusCallback")
    assert request.headers["authorization"] == basic_header(Credentials(ACCOUNT, TOKEN))
    assert sent == {"To": CONTACT, "From": NUMBER, "Body": "hi", "MediaUrl": "https://example.com/owl.png"}
    assert url.startswith("https://sms.example.com/status?send=")


def test_edge_and_region_of_the_environment_change_nothing(
    local_bot: Bot, api: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The official client puts them into the host name, even of an emulator."""
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    api.answers(PATH, CREATED)
    connect(local_bot, api.bare(""))
    asked = local_bot.send()
    local_bot.sending.drain()

    assert local_bot.row(asked).state == "accepted"


def test_sender_of_another_account_is_sent_with_its_credentials(tmp_path: object, api: Program) -> None:
    """Subaccounts have their own numbers and tokens."""
    more = {
        "TWIML_AUTH_TOKENS": {ACCOUNT: TOKEN, OTHER: "other-token"},
        "TWIML_SENDER_ACCOUNTS": {"40404": OTHER},
    }
    with serving(f"sqlite:///{tmp_path}/twiml.db", **more) as bot:
        api.answers(PATH, CREATED)
        api.answers(PATH.replace(ACCOUNT, OTHER), CREATED)
        connect(bot, api.bare(""))
        bot.send("one")
        bot.send("two", from_="40404")
        bot.sending.drain()

    headers = {request.path: request.headers["authorization"] for request in api.received}
    assert headers == {
        PATH: basic_header(Credentials(ACCOUNT, TOKEN)),
        PATH.replace(ACCOUNT, OTHER): basic_header(Credentials(OTHER, "other-token")),
    }


def test_message_without_a_token_fails_and_says_which_settings_are_missing(tmp_path: object) -> None:
    """A message must not wait forever for settings that nobody knows are missing."""
    with serving(f"sqlite:///{tmp_path}/twiml.db") as bot:
        settings = replace(bot.state.settings, auth_tokens={}, account_sid="")
        bot.sending.connect(TwilioApi(settings), bot.twilio.clock.now)
        asked = bot.send()
        bot.sending.drain()

        assert bot.row(asked).state == "failed"
        assert "TWILIO_AUTH_TOKEN" in bot.row(asked).problem


@pytest.mark.parametrize(
    ("api_url", "base_url", "sent"),
    [
        pytest.param("https://api.twilio.com", "https://sms.example.com", True, id="public URL"),
        pytest.param("https://api.twilio.com", "http://localhost:8000", False, id="this machine"),
        pytest.param("http://127.0.0.1:8088", "http://localhost:8000", True, id="this machine, to an emulator"),
    ],
)
def test_twilio_gets_no_status_url_on_this_machine(api_url: str, base_url: str, sent: bool) -> None:
    """It would refuse the message with 21609, while somebody only tries things out."""
    assert _can_call(api_url, f"{base_url}/status") == sent
