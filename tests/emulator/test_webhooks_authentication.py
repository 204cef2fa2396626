"""Authentication of webhooks: the signature, and the credentials in the URL."""

from __future__ import annotations

import pytest

from tests.emulator.program import CONTACT, NOTHING, NUMBER, Answer, Program, emulator, say, send, twiml
from twiml_app.emulator import Emulator


def test_every_request_is_signed_with_the_token(twilio: Emulator, program: Program) -> None:
    """This includes Redirects, the fallback URL and status callbacks, with and without a query."""
    program.answers("/message", twiml("<Redirect method='GET'>/next?a=b%20c&amp;d=%C3%BC</Redirect>"))
    program.answers("/next", Answer(status=500))
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))
    twilio.phone(CONTACT).text("Grüße")
    send(twilio, status_callback=program.answers("/status", NOTHING))
    assert twilio.settle()

    assert program.paths == ["/message", "/next", "/fallback", "/status", "/status"]
    assert {request.signed for request in program.received} == {"HMAC_SHA1"}


def test_shared_key_signs_with_hmac_sha256(program: Program) -> None:
    """A header names the key."""
    program.secrets = ("the secret of the key",)
    seed = {
        "account": {"signing_key": "SK1", "signing_secret": "the secret of the key"},
        "numbers": [{"phone_number": NUMBER, "sms_url": program.answers("/message", say("hello"))}],
    }
    with emulator(seed=seed) as twilio:
        assert twilio.phone(CONTACT).text("hello").text == "hello"
    (request,) = program.received

    assert request.signed == "HMAC_SHA256"
    assert request.headers["x-twilio-webhooks-signature-settings"] == "key=SK1,algorithm=HMAC_SHA256"


def test_subaccount_signs_with_its_own_token(program: Program) -> None:
    """A program with several accounts finds the token by AccountSid."""
    program.secrets = ("of the subaccount",)
    account = {"sid": "AC" + "2" * 32, "auth_token": "of the subaccount"}
    url = program.answers("/message", say("hello"))
    seed = {
        "accounts": [account],
        "numbers": [{"phone_number": NUMBER, "sms_url": url, "account_sid": account["sid"]}],
    }
    with emulator(seed=seed) as twilio:
        twilio.phone(CONTACT).text("hello")
    (request,) = program.received

    assert (request.form["AccountSid"], request.signed) == (account["sid"], "HMAC_SHA1")


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_credentials_of_the_url_answer_one_challenge_per_message(auth: str) -> None:
    """The first request has no credentials; after its challenge, all requests for that message have them."""
    with Program(auth) as program, emulator() as twilio:
        url = program.answers("/message", twiml("<Redirect>/next?a=b</Redirect>"))
        program.answers("/next", Answer(status=500))
        twilio.add_number(NUMBER, url, fallback_url=program.answers("/fallback", say("hello")))
        replies = [twilio.phone(CONTACT).text("hello").text for _ in range(2)]
        sent = [
            (request.path, request.status, request.headers.get("authorization", "").partition(" ")[0])
            for request in program.received
        ]
        tokens = {request.headers["i-twilio-idempotency-token"] for request in program.received[:2]}

        scheme = auth.capitalize()
        assert replies == ["hello", "hello"]
        assert sent == 2 * [
            ("/message", 401, ""),
            ("/message", 200, scheme),
            ("/next", 500, scheme),
            ("/fallback", 200, scheme),
        ]
        assert len(tokens) == 1
        assert {request.signed for request in program.received} == {"HMAC_SHA1"}


def test_missing_credentials_are_reported(twilio: Emulator) -> None:
    """This is the most common mistake, so the debugger says how to fix it."""
    with Program("basic") as program:
        program.answers("/message", say("hello"))
        twilio.add_number(NUMBER, program.bare("/message"))
        reply = twilio.phone(CONTACT).text("hello")
        (problem,) = reply.problems

        assert reply.messages == []
        assert (problem.code, problem.level, problem.url) == (11200, "error", program.bare("/message"))
        assert problem.text == (
            "answered 401: who are you?. Add the application's credentials to the URL: http://user:password@host."
        )
