"""The official client: all of its requests reach the emulator, whatever the product and the environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from twilio.base.exceptions import TwilioRestException

from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.client import make_client
from twiml_app.errors import ConfigurationError

TEXT = {"to": "+15558675310", "from_": "+15017122661", "body": "hello"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Twilio."""
    with Emulator() as running:
        yield running


def test_every_product_is_sent_to_the_emulator(emulator: Emulator) -> None:
    """Products on other Twilio hosts must not reach the real Twilio."""
    client = emulator.client()
    client.messages.create(**TEXT)
    client.messaging.v1.services.create(friendly_name="News")
    with pytest.raises(TwilioRestException) as refused:
        client.verify.v2.services.create(friendly_name="Codes")

    assert refused.value.code == 20404
    assert [(request.method, request.path, request.status) for request in emulator.requests] == [
        ("POST", f"/2010-04-01/Accounts/{emulator.account_sid}/Messages.json", 201),
        ("POST", "/v1/Services", 201),
        ("POST", "/v2/Services", 404),
    ]


def test_query_is_sent_too(emulator: Emulator) -> None:
    """Filters and page tokens are in the query."""
    client = emulator.client()
    for to in ("+15558675310", "+15558675311", "+15558675310"):
        client.messages.create(**{**TEXT, "to": to})
    found = client.messages.list(to="+15558675310", page_size=1)

    assert [message.to for message in found] == ["+15558675310"] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_EDGE", "dublin"),
        ("TWILIO_REGION", "ie1"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem"),
        ("CURL_CA_BUNDLE", "/nowhere.pem"),
        ("NETRC", "/nowhere"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*region.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*edge.*:DeprecationWarning")
def test_environment_of_the_developer_is_ignored(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edge, proxy and certificate settings are meant for the real Twilio."""
    for each in (name, name.lower()):
        monkeypatch.setenv(each, value)
    with Emulator(EmulatorOptions(tls=True)) as emulator:
        emulator.client().messages.create(**TEXT)

        assert [message.body for message in emulator.outbox] == ["hello"]


def test_client_of_a_subaccount(emulator: Emulator) -> None:
    """A subaccount has its own credentials."""
    child = emulator.client().api.accounts.create(friendly_name="child")
    client = make_client(emulator.url, child.sid, child.auth_token, emulator.ca_file)

    assert client.messages.create(**TEXT).account_sid == child.sid


def test_missing_library_is_named(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official library is an optional dependency."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "twilio"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "twiml_app.emulator.client")
    with pytest.raises(ConfigurationError, match="client: it needs the official library"):
        emulator.client()
