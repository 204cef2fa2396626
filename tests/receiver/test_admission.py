"""Admission: which requests are admitted or refused, in which order, and the reason that is given."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook_requests import (
    ACCOUNT,
    AUTHORIZATION,
    BASIC,
    OTHER_ACCOUNT,
    SIGNED,
    TOKEN,
    authorized,
    read_settings,
    signed,
    webhook,
)
from twiml_app.caller.forms import CONTACT, NUMBER, inbound_form, status_form
from twiml_app.errors import Forbidden, MalformedRequest, RequestRefused, RequestTooLarge, Unauthorized
from twiml_app.events import Event, InboundMessage, StatusCallback, UnknownEvent
from twiml_app.receiver.admission import Admission
from twiml_app.signature import HEADER, SETTINGS_HEADER, sign
from twiml_app.webhook import WebhookRequest

BASE_URL = "https://sms.example.com"
BAD_HOST = "the Host header is missing or malformed"
SHARED = {"TWIML_SHARED_KEYS": {"k1": "shared-secret"}}


def refusal(request: WebhookRequest, *settings: Mapping[str, object]) -> RequestRefused:
    """Return the refusal of a request."""
    with pytest.raises(RequestRefused) as refused:
        admit(Admission(read_settings(*settings)), request)
    return refused.value


def admit(admission: Admission, request: WebhookRequest) -> Event:
    """Return the event of a request, as the receiver asks for it."""
    return admission.admit(request, by_token=admission.authenticate(request))


def basic(pair: bytes) -> str:
    """Return a basic Authorization header with any bytes as the pair."""
    return "Basic " + base64.b64encode(pair).decode()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic", id="only the scheme"),
        pytest.param("Basic ", id="nothing after the scheme"),
        pytest.param("Basic !!!", id="not base64"),
        pytest.param("Basic c21z", id="only a user"),
        pytest.param("Basic \xfc\xdf", id="not ASCII"),
        pytest.param(basic(b"sms:quite-long-enough\x00"), id="one byte more"),
        pytest.param(basic(b"sms:quite-long-enoug"), id="one byte less"),
        pytest.param(basic(b"SMS:quite-long-enough"), id="user in capitals"),
        pytest.param(basic(b"sms:\xff\xfe"), id="not UTF-8"),
        pytest.param(basic(b":"), id="empty user and password"),
        pytest.param(basic(b"sms:" + b"x" * 1_000_000), id="huge"),
        pytest.param("Bearer " + AUTHORIZATION["authorization"].removeprefix("Basic "), id="another scheme"),
        pytest.param(f"{AUTHORIZATION['authorization']},{AUTHORIZATION['authorization']}", id="repeated"),
        pytest.param(f"{AUTHORIZATION['authorization']}, Basic c21z", id="repeated with another"),
    ],
)
def test_credentials_that_are_not_the_configured_ones_are_refused(header: str) -> None:
    """The internet sends probes all day: none may be admitted or raise."""
    refused = refusal(webhook(headers={"authorization": header}), BASIC)

    assert isinstance(refused, Unauthorized)
    assert refused.line in ("the credentials are wrong", "send the credentials of the Message URL")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(webhook(body=b"\xff" * 300_000), id="huge body"),
        pytest.param(webhook(body=b"not a form"), id="not a form"),
        pytest.param(webhook(body=b"&" * 1000), id="many fields"),
        pytest.param(webhook(target="/message?" + "&" * 1000), id="many fields in the query"),
        pytest.param(webhook(endpoint="status", target="/status?" + "&" * 1000), id="many fields in the status URL"),
        pytest.param(webhook(content_type="application/json", body=b"{"), id="JSON"),
        pytest.param(webhook(headers={HEADER.lower(): "wrong"}), id="wrong signature"),
        pytest.param(webhook(inbound_form(account_sid=OTHER_ACCOUNT)), id="another account"),
        pytest.param(webhook()._replace(host="["), id="no host"),
        pytest.param(webhook(method="HEAD"), id="HEAD"),
        pytest.param(webhook(method="GET"), id="GET"),
    ],
)
def test_request_without_credentials_only_learns_that_they_are_needed(request_: WebhookRequest) -> None:
    """Without credentials, nobody may find out how the application judges a request."""
    refused = refusal(request_, BASIC, SIGNED, {"TWIML_ACCOUNTS": ACCOUNT})

    assert isinstance(refused, Unauthorized)
    assert refused.line == refused.reason == "send the credentials of the Message URL"


def test_wrong_credentials_are_explained_only_in_the_log() -> None:
    """The operator reads which setting to compare; the sender must not see its name."""
    refused = refusal(webhook(headers={"authorization": basic(b"sms:old-password")}), BASIC)

    assert refused.line == "the credentials are wrong"
    assert refused.reason == (
        "the credentials do not match any in TWIML_CREDENTIALS: compare them with those of Twilio's URL"
    )


def test_old_and_new_credentials_are_accepted_during_a_rotation() -> None:
    """Twilio uses the old URL until somebody changes it in the console."""
    admission = Admission(read_settings({"TWIML_CREDENTIALS": "sms:new-password sms:quite-long-enough"}))

    for password in (b"sms:new-password", b"sms:quite-long-enough"):
        event = admit(admission, webhook(headers={"authorization": basic(password)}))

        assert isinstance(event, InboundMessage)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_each_configured_method_of_authentication_is_required(method: str) -> None:
    """A leaked password must not work without the signature, nor a signature without the password."""
    request = webhook(method=method)

    assert isinstance(admit(Admission(read_settings(BASIC)), authorized(request)), InboundMessage)
    assert isinstance(admit(Admission(read_settings(SIGNED)), signed(request)), InboundMessage)
    assert isinstance(admit(Admission(read_settings(BASIC, SIGNED)), signed(authorized(request))), InboundMessage)
    assert isinstance(refusal(signed(request), BASIC, SIGNED), Unauthorized)
    assert isinstance(refusal(authorized(request), BASIC, SIGNED), Forbidden)
    assert isinstance(refusal(signed(authorized(request), token="another"), BASIC, SIGNED), Forbidden)


def test_refused_signature_is_explained_only_in_the_log() -> None:
    """The explanation names hosts and settings, which would help a forger."""
    refused = refusal(signed(webhook())._replace(scheme="http"), SIGNED)

    assert isinstance(refused, Forbidden)
    assert refused.line == "the signature does not match"
    assert refused.reason == "the signature matches with https: set TWIML_PUBLIC_URL"


@pytest.mark.parametrize(
    ("settings", "header", "secret", "accepted"),
    [
        pytest.param(SHARED, "key=k1,algorithm=HMAC_SHA256", "shared-secret", True, id="shared key"),
        pytest.param(SHARED | SIGNED, "key=k1,algorithm=HMAC_SHA256", "shared-secret", True, id="next to a token"),
        pytest.param(SHARED, "key=k2,algorithm=HMAC_SHA256", "shared-secret", False, id="unknown key"),
        pytest.param(SHARED, "key=k1,algorithm=HMAC_SHA256", "other", False, id="another secret"),
        pytest.param(SIGNED, "key=k1,algorithm=HMAC_SHA256", TOKEN, False, id="token as a shared key"),
        pytest.param(SHARED, "key=k1,algorithm=HMAC_SHA1", "shared-secret", False, id="algorithm that is weaker"),
        pytest.param(SHARED | SIGNED, "algorithm=none", "", False, id="algorithm none"),
        pytest.param(SHARED | SIGNED, "key=,algorithm=HMAC_SHA256", "", False, id="key without a name"),
    ],
)
def test_signature_by_a_shared_key_needs_that_key(
    settings: Mapping[str, object], header: str, secret: str, accepted: bool
) -> None:
    """The sender chooses the key and the algorithm, so neither may bypass the secret."""
    request = webhook()
    signature = sign(
        request.called_url(), inbound_form("hello", message_sid="SM" + "5" * 32).pairs, secret, algorithm="HMAC_SHA256"
    )
    request = request._replace(headers={**request.headers, HEADER.lower(): signature, SETTINGS_HEADER.lower(): header})

    if accepted:
        assert isinstance(admit(Admission(read_settings(settings)), request), InboundMessage)
    else:
        assert isinstance(refusal(request, settings), Forbidden)


def test_each_account_is_verified_by_its_own_token() -> None:
    """A leaked token of one subaccount must not authenticate another."""
    tokens = {"TWIML_AUTH_TOKENS": {ACCOUNT: TOKEN, OTHER_ACCOUNT: "other-token"}}
    other = webhook(inbound_form(account_sid=OTHER_ACCOUNT))

    assert admit(Admission(read_settings(tokens)), signed(other, token="other-token")).account_sid == OTHER_ACCOUNT
    assert isinstance(refusal(signed(other), tokens), Forbidden)


@pytest.mark.parametrize(
    "account", [pytest.param(OTHER_ACCOUNT, id="another account"), pytest.param("", id="no account")]
)
def test_account_that_is_not_served_is_refused(account: str) -> None:
    """Other customers of Twilio may know the URL and its password."""
    request = authorized(webhook(inbound_form(account_sid=account)))
    refused = refusal(request, BASIC, {"TWIML_ACCOUNTS": ACCOUNT})

    assert isinstance(refused, Forbidden)
    assert refused.line == "the account is not served here"
    assert refused.reason == f"the account {account} is not in TWIML_ACCOUNTS"


def test_account_that_is_served_is_admitted() -> None:
    """Several accounts may share one application."""
    admission = Admission(read_settings(BASIC, {"TWIML_ACCOUNTS": f"{ACCOUNT} {OTHER_ACCOUNT}"}))

    assert admit(admission, authorized(webhook(inbound_form(account_sid=OTHER_ACCOUNT)))).account_sid == OTHER_ACCOUNT


def status_request(token_of: str, *, endpoint: str = "status", **query: str) -> WebhookRequest:
    """Return a status callback to the status URL of a reply, without credentials."""
    url = Admission(read_settings(BASIC)).status_urls.url("", token_of, to=CONTACT, from_=NUMBER)
    target = url.replace("/status", f"/{endpoint}") + "".join(f"&{name}={value}" for name, value in query.items())
    return webhook(status_form("SM" + "7" * 32, "delivered"), endpoint=endpoint, target=target)  # type: ignore[arg-type]


SENT = "SM" + "7" * 32
TOKEN_TARGET = status_request("SM1").target


def test_signed_status_url_replaces_the_credentials() -> None:
    """A TwiML document must not contain a password, but delivery reports must be authenticated."""
    event = admit(Admission(read_settings(BASIC)), status_request("SM1", other="x"))

    assert isinstance(event, StatusCallback)
    assert (event.in_reply_to, event.query["other"]) == ("SM1", "x")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(status_request("SM1", endpoint="message"), id="at the Message URL"),
        pytest.param(status_request("SM1", endpoint="fallback"), id="at the fallback URL"),
        pytest.param(
            status_request("SM1")._replace(target=status_request("SM1").target.replace("SM1", "SM2")),
            id="for another message",
        ),
        pytest.param(webhook(endpoint="status", target="/status?in_reply_to=SM1&token="), id="empty"),
        pytest.param(webhook(endpoint="status", target="/status?token=&in_reply_to="), id="both empty"),
        pytest.param(webhook(endpoint="status", target="/status?token=%00%FF\udcff"), id="not text"),
        pytest.param(webhook(endpoint="status", target="/status?in_reply_to=SM1"), id="none"),
        pytest.param(status_request("SM1")._replace(target=status_request("SM1").target + "&" * 500), id="too long"),
    ],
)
def test_status_token_is_valid_only_for_its_own_status_url(request_: WebhookRequest) -> None:
    """The token appears in logs of proxies, so it must give as little access as possible."""
    assert isinstance(refusal(request_, BASIC), Unauthorized)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(
            webhook(status_form(SENT, "failed", to="+15005550009"), endpoint="status", target=TOKEN_TARGET),
            "made for another message, recipient or sender",
            id="another recipient",
        ),
        pytest.param(
            webhook(status_form(SENT, "failed", from_="+15005550009"), endpoint="status", target=TOKEN_TARGET),
            "made for another message, recipient or sender",
            id="another sender",
        ),
        pytest.param(
            webhook([("MessageSid", SENT), ("MessageStatus", "failed")], endpoint="status", target=TOKEN_TARGET),
            "made for another message, recipient or sender",
            id="no addresses",
        ),
        pytest.param(
            webhook(endpoint="status", target=TOKEN_TARGET, body=b"x"),
            "was not checked: the body is not a form",
            id="not a form",
        ),
        pytest.param(
            webhook(endpoint="status", target=TOKEN_TARGET, body=b"a=" + b"b" * 262143),
            "was not checked: the body is larger",
            id="too large",
        ),
        pytest.param(webhook(target="/message?token=x"), "only valid at the status URL", id="at the Message URL"),
    ],
)
def test_status_token_is_valid_only_for_the_delivery_of_its_reply(request_: WebhookRequest, reason: str) -> None:
    """Whoever sees one status URL could otherwise report any message as failed."""
    refused = refusal(request_, BASIC)

    assert isinstance(refused, Unauthorized)
    assert refused.line == "the token of the status URL is not valid"
    assert reason in refused.reason


def test_status_token_is_accepted_next_to_wrong_credentials_and_only_if_it_fits() -> None:
    """A proxy may add an Authorization header of its own."""
    wrong = {"authorization": "Basic eDp5"}
    fitting = webhook(status_form(SENT, "delivered"), endpoint="status", target=TOKEN_TARGET, headers=wrong)
    other = webhook(
        status_form(SENT, "delivered", to="+15005550009"), endpoint="status", target=TOKEN_TARGET, headers=wrong
    )

    assert isinstance(admit(Admission(read_settings(BASIC)), fitting), StatusCallback)
    assert refusal(other, BASIC).line == "the credentials are wrong"


def test_expired_status_token_is_refused() -> None:
    """A status URL is found in access logs for years."""
    later = Admission(read_settings(BASIC), now=lambda: time.time() + 16 * 86400)

    with pytest.raises(Unauthorized) as refused:
        admit(later, status_request("SM1"))
    assert refused.value.reason == "the token of the status URL is older than 14 days"


def test_status_token_is_checked_in_a_get_request() -> None:
    """A handler may choose the method of its status callbacks."""
    form = status_form(SENT, "delivered")
    request = webhook(endpoint="status", method="GET", target="/status")
    good = request._replace(target=f"{TOKEN_TARGET}&{form.encode()}")
    bad = good._replace(target=good.target.replace(CONTACT[1:], "15005550009"))

    assert isinstance(admit(Admission(read_settings(BASIC)), good), StatusCallback)
    assert isinstance(refusal(bad, BASIC), Unauthorized)


def test_status_token_does_not_authenticate_a_message() -> None:
    """Somebody who reads a token in an access log must not be able to order in a customer's name."""
    form = inbound_form("order 2 coffee", from_=NUMBER, to=CONTACT)
    request = webhook(form)._replace(endpoint="status", target=status_request("SM1").target)

    assert refusal(request, BASIC).reason == "a status token does not authenticate inbound messages and alerts"
    assert isinstance(admit(Admission(read_settings(BASIC)), authorized(request)), InboundMessage)


def test_status_token_never_replaces_the_signature() -> None:
    """Twilio signs status callbacks too."""
    request = status_request("SM1")

    assert isinstance(refusal(request, BASIC, SIGNED, {"SECRET_KEY": "x"}), Unauthorized)
    assert isinstance(refusal(request, BASIC, SIGNED), Forbidden)
    assert isinstance(admit(Admission(read_settings(BASIC, SIGNED)), signed(request)), StatusCallback)


@pytest.mark.parametrize(
    ("request_", "error", "line"),
    [
        pytest.param(
            webhook(body=b"a=" + b"b" * 262143),
            RequestTooLarge,
            "the body is larger than 262144 bytes",
            id="too many bytes",
        ),
        pytest.param(webhook(body=b"&".join([b"a=b"] * 501)), RequestTooLarge, "more than 500 fields", id="fields"),
        pytest.param(
            webhook(target="/message?" + "&".join(["a=b"] * 501)),
            RequestTooLarge,
            "more than 500 fields",
            id="fields of the query",
        ),
        pytest.param(
            webhook(body=b"hello"),
            MalformedRequest,
            "the body is not a form: every field must be name=value",
            id="not a form",
        ),
        pytest.param(
            webhook(content_type="application/json", body=b"{}"),
            MalformedRequest,
            "the content type is application/json: send application/x-www-form-urlencoded",
            id="JSON",
        ),
        pytest.param(
            webhook(content_type="multipart/form-data; boundary=x", body=b"--x--"),
            MalformedRequest,
            "the content type is multipart/form-data: send application/x-www-form-urlencoded",
            id="multipart",
        ),
        *(
            pytest.param(webhook()._replace(**changes), MalformedRequest, BAD_HOST, id=name)  # type: ignore[arg-type]
            for name, changes in {
                "no host": {"host": ""},
                "host with a space": {"host": "a b"},
                "host with markup": {"host": '"><script>'},
                "host with a path": {"host": "evil.example/"},
                "host with credentials": {"host": "user@evil.example"},
                "invalid scheme": {"scheme": "javascript"},
            }.items()
        ),
    ],
)
def test_request_that_is_not_a_webhook_is_refused_in_one_line(
    request_: WebhookRequest, error: type[RequestRefused], line: str
) -> None:
    """A sender with valid credentials is a person who tries something, and gets the reason."""
    refused = refusal(authorized(request_), BASIC)

    assert type(refused) is error
    assert refused.line == line


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(webhook(body=b"a=" + b"b" * 262142), id="maximum of bytes"),
        pytest.param(webhook(body=b"&".join([b"a=b"] * 500)), id="maximum of fields"),
        pytest.param(webhook(content_type="", body=b""), id="nothing at all"),
        pytest.param(
            webhook(content_type="APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8", body=b"a=b"), id="charset"
        ),
        pytest.param(webhook(())._replace(host="[2001:db8::1]:8000"), id="IPv6"),
        pytest.param(webhook(())._replace(host="web_1:5000", scheme="http"), id="name of a container"),
    ],
)
def test_request_within_the_limits_is_admitted(request_: WebhookRequest) -> None:
    """An off-by-one limit would lose the longest message of a customer."""
    assert isinstance(admit(Admission(read_settings(BASIC)), authorized(request_)), UnknownEvent)


def test_public_url_makes_the_host_of_the_request_irrelevant() -> None:
    """A proxy may pass on any Host; with a public URL configured it is not used."""
    admission = Admission(read_settings(BASIC, SIGNED, {"TWIML_PUBLIC_URL": BASE_URL}))

    assert isinstance(admit(admission, signed(authorized(webhook()))), InboundMessage)
    assert isinstance(admit(admission, signed(authorized(webhook()))._replace(host="a b")), InboundMessage)


def test_json_webhook_is_verified_by_the_hash_of_its_body() -> None:
    """Studio and Event Streams send JSON: the signature covers the URL, which has the hash of the body."""
    body = b'{"type": "x"}'
    target = f"/message?AccountSid={ACCOUNT}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    url = BASE_URL + target
    request = webhook(
        target=target, body=body, content_type="application/json", headers={HEADER.lower(): sign(url, (), TOKEN)}
    )
    event = admit(Admission(read_settings(SIGNED)), request)

    assert isinstance(event, UnknownEvent)
    assert event.form["AccountSid"] == ACCOUNT
    assert isinstance(refusal(request._replace(body=body + b" "), SIGNED), Forbidden)


def test_signature_over_bytes_that_are_not_utf_8_matches() -> None:
    """A customer's text is never dropped for its encoding, and the signature covers the bytes."""
    request = signed(webhook(body=b"From=%2B1555&Body=caf%E9\xff&AccountSid=" + ACCOUNT.encode()))
    event = admit(Admission(read_settings(SIGNED)), request)

    assert isinstance(event, InboundMessage)
    assert event.body == "caf��"


header_text = st.text(st.characters(max_codepoint=255), max_size=60)


@given(
    endpoint=st.sampled_from(["message", "status", "fallback"]),
    method=st.sampled_from(["POST", "GET", "HEAD"]),
    host=header_text,
    target=st.binary(max_size=60),
    body=st.binary(max_size=60),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "content-type", "x-twilio-signature", "x-forwarded-host", "cookie"]),
        header_text,
    ),
)
def test_no_request_is_admitted_or_raises_without_credentials(
    endpoint: str, method: str, host: str, target: bytes, body: bytes, headers: dict[str, str]
) -> None:
    """Anybody on the internet can call the URL."""
    request = WebhookRequest(
        endpoint=endpoint,  # type: ignore[arg-type]
        method=method,
        scheme="https",
        host=host,
        target="/" + target.decode("utf-8", "surrogateescape"),
        headers=headers,
        body=body,
    )

    assert isinstance(refusal(request, BASIC), Unauthorized)
    assert isinstance(refusal(request, SIGNED), Forbidden | MalformedRequest)


@given(pair=st.binary(max_size=40))
def test_basic_authentication_admits_only_the_configured_pair(pair: bytes) -> None:
    """Any other bytes, however they are encoded, must be refused."""
    request = webhook(headers={"authorization": basic(pair)})

    if pair == b"sms:quite-long-enough":
        assert admit(Admission(read_settings(BASIC)), request)
    else:
        assert isinstance(refusal(request, BASIC), Unauthorized)


def test_forgeries_are_explained_within_limits(caplog: pytest.LogCaptureFixture) -> None:
    """An explanation takes longer than a refusal, and forged requests would ask for one each."""
    now = [0.0]
    admission = Admission(read_settings(SIGNED), clock=lambda: now[0])

    def refuse() -> str:
        with pytest.raises(Forbidden) as refused:
            admit(admission, webhook(headers={"x-twilio-signature": "forged"}))
        return refused.value.reason

    reasons = [refuse() for _ in range(30)]
    now[0] += 11

    assert sum("at most 20 are explained in 10 s" in reason for reason in reasons) == 10
    assert "at most 20 are explained" not in refuse()
