"""The options of a message: status callback, schedule, retention, validity, and each refusal of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from tests.emulator.rest.listening import listening
from tests.emulator.rest.message_forms import (
    APPLICATION,
    CONTENT,
    MESSAGES,
    OTHERS_APPLICATION,
    SEED,
    SERVICE,
    SILENT_APPLICATION,
    TEXTS,
    TEXTS_OF_2008,
    Changes,
    Refused,
    at,
    check_created,
    check_refused,
    error_codes,
    form,
    scheduled,
)
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.rest import message_options

REFUSED = {
    # content
    "malformed ContentSid": Refused({"ContentSid": "HX1"}, 21655),
    "ContentVariables are not JSON": Refused({"ContentSid": CONTENT, "ContentVariables": "{1: 2}"}, 21656),
    "ContentVariables are a list": Refused({"ContentSid": CONTENT, "ContentVariables": "[]"}, 21656),
    "ContentVariables are nested too deeply": Refused({"ContentSid": CONTENT, "ContentVariables": "[" * 99_999}, 21656),
    # options
    "malformed StatusCallback": Refused({"StatusCallback": "example.com"}, 21609),
    "StatusCallback with an underscore": Refused({"StatusCallback": "http://my_app.example.com/"}, 21609),
    "malformed ApplicationSid": Refused({"ApplicationSid": "AP1"}, 21218),
    "unknown application": Refused({"ApplicationSid": "AP" + "0" * 32}, 21218),
    "application of another account": Refused({"ApplicationSid": OTHERS_APPLICATION}, 21218, seed=SEED),
    "unknown application, old resource": Refused({"ApplicationSid": "AP" + "0" * 32}, 21218, path=TEXTS),
    "MaxPrice of zero": Refused({"MaxPrice": "0"}, 21627),
    "malformed MaxPrice": Refused({"MaxPrice": "cheap"}, 21627),
    "ValidityPeriod of zero": Refused({"ValidityPeriod": "0"}, 21624),
    "ValidityPeriod above ten hours": Refused({"ValidityPeriod": "36001"}, 21624),
    "ValidityPeriod above four hours in 2014": Refused({"ValidityPeriod": "14401"}, 21624, profile="2014"),
    "ContentRetention": Refused({"ContentRetention": "forget"}, 20001),
    "AddressRetention": Refused({"AddressRetention": "forget"}, 20001),
    "TrafficType": Refused({"TrafficType": "paid"}, 20001),
    "RiskCheck": Refused({"RiskCheck": "off"}, 20001),
    "ProvideFeedback": Refused({"ProvideFeedback": "maybe"}, 20001),
    "ForceDelivery": Refused({"ForceDelivery": "maybe"}, 20001),
    "ShortenUrls": Refused({"ShortenUrls": "maybe"}, 20001),
    "SendAsMms": Refused({"SendAsMms": "maybe"}, 20001),
    "Attempt": Refused({"Attempt": "first"}, 20001),
    # schedules
    "ScheduleType": Refused(scheduled(at(3600)) | {"ScheduleType": "daily"}, 20001, seed=SEED),
    "SendAt in less than 15 minutes": Refused(scheduled(at(899)), 35114, seed=SEED),
    "SendAt in more than 35 days": Refused(scheduled(at(35 * 86400 + 1)), 35114, seed=SEED),
    "SendAt in the past": Refused(scheduled("2008-01-02T00:00:00Z"), 35114, seed=SEED),
    "SendAt in another format": Refused(scheduled("Wed, 15 Nov 2023 22:04:00 +0000"), 35114, seed=SEED),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_invalid_options_are_refused_with_their_error_code(case: Refused) -> None:
    """Apps branch on the error code; a refused request stores nothing."""
    check_refused(case)


def test_every_error_code_of_options_is_in_the_table() -> None:
    """A refusal without a row has never been checked against the documentation."""
    tested = {case.code for case in REFUSED.values()}

    assert error_codes(message_options) <= tested


ACCEPTED: dict[str, tuple[Changes, Mapping[str, Any]]] = {
    "empty ContentVariables": ({"ContentSid": CONTENT, "ContentVariables": ""}, {"body": "hello"}),
    "longest ValidityPeriod": ({"ValidityPeriod": "36000"}, {"status": "queued"}),
    "schedule without a service": ({"ScheduleType": "fixed", "SendAt": at(3600)}, {"status": "queued"}),
    "all other parameters": (
        {
            **{"ProvideFeedback": "true", "Attempt": "2", "ForceDelivery": "False", "ShortenUrls": "1"},
            **{"TrafficType": "free", "RiskCheck": "disable", "SendAsMms": "false", "MaxPrice": "0.0001"},
            **{"PersistentAction": ["mailto:test@example.com"], "FallbackFrom": NUMBER, "Tags": "{}"},
        },
        {"status": "queued"},
    ),
    "retention": (
        {"ContentRetention": "discard", "AddressRetention": "obfuscate"},
        {"body": "", "to": "+1555867XXXX"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_message_is_created_with_valid_options(changes: Changes, expected: Mapping[str, Any]) -> None:
    """What Twilio accepts is accepted, and shown in the same way."""
    check_created(changes, expected)


SERVED: dict[str, tuple[Changes, Mapping[str, Any]]] = {
    "earliest schedule": (scheduled(at(900)), {"status": "scheduled", "from": NUMBER, "num_segments": "0"}),
    "latest schedule": (
        {**scheduled(at(35 * 86400)), "From": None},
        {"status": "scheduled", "from": None},
    ),
    "ScheduleType without SendAt": (
        {"From": None, "MessagingServiceSid": SERVICE, "ScheduleType": "fixed"},
        {"status": "accepted"},
    ),
    "SendAt without ScheduleType": (
        {"From": None, "MessagingServiceSid": SERVICE, "SendAt": at(3600)},
        {"status": "accepted"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), SERVED.values(), ids=SERVED)
def test_message_of_a_service_can_be_scheduled(changes: Changes, expected: Mapping[str, Any]) -> None:
    """Only messages of a service can be scheduled."""
    check_created(changes, expected, SEED)


@pytest.mark.parametrize(
    ("profile", "changes", "status", "code"),
    [
        pytest.param("current", {"MaxPrice": "0.0001"}, "delivered", None, id="obsolete now"),
        pytest.param("2014", {"MaxPrice": "0.0074"}, "failed", 30010, id="too low in 2014"),
        pytest.param("2014", {"MaxPrice": "0.0075"}, "delivered", None, id="enough in 2014"),
    ],
)
def test_max_price_follows_the_documentation_of_the_profile(
    profile: str, changes: dict[str, str], status: str, code: int | None
) -> None:
    """In 2015 more expensive messages failed; since 2024 the parameter has no effect."""
    with Emulator(EmulatorOptions(profile=profile)) as emulator:
        client = Client(emulator)
        sid = client.text(**changes)["sid"]
        emulator.settle()
        fetched = client.get(f"Messages/{sid}.json").json

        assert (fetched["status"], fetched["error_code"]) == (status, code)


def test_validity_period_of_the_service_is_the_default() -> None:
    """It applies to messages without a ValidityPeriod of their own."""
    seed = {**SEED, "services": [{"sid": SERVICE, "numbers": [NUMBER], "validity_period": 60}]}
    with Emulator(EmulatorOptions(seed=seed, start=START)) as emulator:
        client = Client(emulator)
        client.text(MessagingServiceSid=SERVICE)
        client.text(MessagingServiceSid=SERVICE, ValidityPeriod="30")

        assert [message.validity_s for message in emulator.outbox] == [60, 30]


LATE = ["sent", "delivered"]
OWN = {"StatusCallback": "own"}
WITH_URL, WITHOUT_URL = {"ApplicationSid": APPLICATION}, {"ApplicationSid": SILENT_APPLICATION}
IN_SERVICE: dict[str, str | None] = {"MessagingServiceSid": SERVICE}
PICKED = {**IN_SERVICE, "From": None}
#: Profile, resource, parameters, and the path that is called with the statuses that are posted.
STATUS_URLS: dict[str, tuple[str, str, Mapping[str, str | None], str, list[str]]] = {
    "StatusCallback wins over the application": ("current", MESSAGES, {**OWN, **WITH_URL}, "/own", LATE),
    "application gets every status": ("current", MESSAGES, WITH_URL, "/application", LATE),
    "service is last": ("current", MESSAGES, IN_SERVICE, "/service", LATE),
    "StatusCallback wins over the service": ("current", MESSAGES, {**OWN, **IN_SERVICE}, "/own", LATE),
    "service that picks the sender posts queued": ("current", MESSAGES, PICKED, "/service", ["queued", *LATE]),
    "application without a URL": ("current", MESSAGES, {**WITHOUT_URL, **IN_SERVICE}, "/service", LATE),
    "2014: application wins, final statuses only": ("2014", MESSAGES, {**OWN, **WITH_URL}, "/application", ["sent"]),
    "2014: StatusCallback gets every status": ("2014", MESSAGES, OWN, "/own", LATE),
    "2014: application without a URL": ("2014", MESSAGES, {**OWN, **WITHOUT_URL}, "/own", LATE),
    "2014: service that picks the sender posts no queued": ("2014", MESSAGES, PICKED, "/service", LATE),
    "old resource: final statuses only": ("current", TEXTS, OWN, "/own", ["sent"]),
    "old resource: own URL of the application": ("current", TEXTS, WITH_URL, "/sms", ["sent"]),
    "2014, old resource: application wins": ("2014", TEXTS, {**OWN, **WITH_URL}, "/sms", ["sent"]),
    "old resource: no service": ("current", TEXTS, {**OWN, **IN_SERVICE}, "/own", ["sent"]),
    "2008: no application": ("2008", TEXTS_OF_2008, {**OWN, **WITH_URL}, "/own", ["sent"]),
}


@pytest.mark.parametrize(("profile", "resource", "given", "path", "statuses"), STATUS_URLS.values(), ids=STATUS_URLS)
def test_status_url_follows_the_documentation_of_the_profile(
    profile: str, resource: str, given: Mapping[str, str | None], path: str, statuses: list[str]
) -> None:
    """The documentation of 2010 to 2015 and the current one disagree on which URL wins."""
    with listening() as listener:
        urls = {"message_status_callback": f"{listener.url}/application", "sms_status_callback": f"{listener.url}/sms"}
        seed = {
            "numbers": [{"phone_number": NUMBER}],
            "services": [{"sid": SERVICE, "numbers": [NUMBER], "status_callback": f"{listener.url}/service"}],
            "applications": [{"sid": APPLICATION, **urls}, {"sid": SILENT_APPLICATION}],
        }
        own = {"StatusCallback": f"{listener.url}/own"} if "StatusCallback" in given else {}
        with Emulator(EmulatorOptions(seed=seed, profile=profile)) as emulator:
            assert Client(emulator).post(resource, form({**given, **own})).status == 201
            emulator.settle()

        name = "SmsStatus" if "SMS" in resource else "MessageStatus"
        assert listener.statuses(name) == [(path, status) for status in statuses]


def test_status_callback_of_the_old_resource_has_its_own_parameters() -> None:
    """The old resource posts SmsSid and SmsStatus, and no MessageSid."""
    with listening() as listener, Emulator() as emulator:
        given = {"StatusCallback": f"{listener.url}/own"}
        sid = Client(emulator).post("SMS/Messages.json", form(given)).json["sid"]
        emulator.settle()

        ((_, posted),) = listener.posts
        assert posted == {
            "SmsSid": sid,
            "SmsStatus": "sent",
            "AccountSid": emulator.account_sid,
            "From": NUMBER,
            "To": PHONE,
            "ApiVersion": "2010-04-01",
        }
