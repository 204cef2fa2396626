"""The parts of an emulator: their initial state, their connections, and what a reset clears."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from werkzeug.test import Client

from tests.emulator.contexts import make_context
from tests.emulator.program import CONTACT, MONDAY, NUMBER
from twiml_app.caller.session import Session
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN
from twiml_app.emulator.context import Context
from twiml_app.emulator.options import EmulatorOptions
from twiml_app.emulator.parts import NOW, Parts, begin_at, keep_account, require_tools, takes_any_sender
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.resources import Account, IncomingNumber, MessageRecord
from twiml_app.emulator.rest.request_log import LoggedRequest
from twiml_app.emulator.seed_reader import Seed
from twiml_app.emulator.store import ResourceStore
from twiml_app.emulator.twiml_reader import SendStep
from twiml_app.errors import ApiError, ConfigurationError
from twiml_app.webhook import WebhookResponse

OWN: dict[str, Any] = {"account_sid": ACCOUNT_SID, "date_created": MONDAY, "date_updated": MONDAY}
SEED: Seed = {"numbers": [{"phone_number": NUMBER}]}
BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
WEBHOOK_URL = "http://a.example/message"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def store() -> Iterator[ResourceStore]:
    """An empty store in memory."""
    with closing(ResourceStore()) as opened:
        yield opened


@pytest.fixture
def context(store: ResourceStore) -> Context:
    """A context whose queues are full after one message, and that allows one reply per contact."""
    return make_context(store, profile=replace(find_profile("current"), queue_s=1, reply_limit=1))


@dataclass
class Assembled:
    """The parts with an account, and their outgoing requests."""

    context: Context
    asked: list[OutgoingRequest] = field(default_factory=list)
    resets: int = 0

    def __post_init__(self) -> None:
        keep_account(self.context, ACCOUNT_SID, AUTH_TOKEN, None)
        self.parts = Parts(self.context, self._answer, EmulatorOptions(concurrency=10), reset=self._reset)
        self.client = Client(self.parts.api)

    def _answer(self, request: OutgoingRequest) -> WebhookResponse:
        self.asked.append(request)
        cookie = ("Set-Cookie", "n=1; Path=/")
        return WebhookResponse(status=200, content_type="image/png", body=PNG, headers=(cookie,))

    def _reset(self) -> None:
        self.resets += 1

    def message(self, **changes: Any) -> MessageRecord:
        """Store a message."""
        sid = f"SM{self.context.store.count(MessageRecord) + 1}"
        given: dict[str, Any] = {"to": CONTACT, "from_": NUMBER, "status": "queued", "direction": "outbound-api"}
        return self.context.store.save(MessageRecord(sid=sid, body="hello", **given | changes, **OWN))

    def send(self) -> None:
        """Send a message; raises ApiError if the queue of its number is full."""
        self.parts.delivery.refuse_overflow(NUMBER)
        self.parts.delivery.begin(self.message())

    def reply(self) -> MessageRecord | None:
        """Reply to a message; None if there were too many replies."""
        inbound = self.message(to=NUMBER, from_=CONTACT, status="received", direction="inbound")
        return self.parts.replying.compose(SendStep(text="a", media=()), inbound, WEBHOOK_URL)

    def call(self) -> str:
        """Call the program for a message; returns the cookies of the request."""
        inbound = self.message(to=NUMBER, from_=CONTACT, status="received", direction="inbound")
        form = self.parts.webhooks.inbound_form(inbound)
        self.parts.webhooks.call(Webhook(url=WEBHOOK_URL), form, message=inbound, session=Session())
        return dict(self.asked[-1].headers).get("Cookie", "")

    def get(self, path: str) -> int:
        """Send a GET request to the REST API; returns the HTTP status."""
        return self.client.get(path, auth=(ACCOUNT_SID, AUTH_TOKEN)).status_code


@pytest.fixture
def assembled(context: Context) -> Assembled:
    """The parts with an account."""
    return Assembled(context)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/2010-04-01/Accounts.json", id="accounts"),
        pytest.param(f"{BASE}/Messages.json", id="messages"),
        pytest.param(f"{BASE}/Messages/SM1/Media.json", id="media"),
        pytest.param(f"{BASE}/SMS/Messages.json", id="legacy"),
        pytest.param(f"{BASE}/IncomingPhoneNumbers.json", id="numbers"),
        pytest.param(f"{BASE}/Applications.json", id="applications"),
        pytest.param("/v1/Services", id="services"),
        pytest.param("/_emulator/requests", id="control"),
    ],
)
def test_every_resource_is_served(assembled: Assembled, path: str) -> None:
    """A resource that is not connected would not be found."""
    assembled.message()

    assert assembled.get(path) == 200


def test_request_is_in_the_log_of_the_emulator(assembled: Assembled) -> None:
    """The log that the emulator shows must be the one that the API writes."""
    assembled.get(f"{BASE}/Messages.json")

    assert [(each.method, each.status) for each in assembled.parts.log.all()] == [("GET", 200)]


def test_reset_over_http_calls_that_of_the_emulator(assembled: Assembled) -> None:
    """Only the emulator knows its seed and the numbers that were added."""
    assembled.client.post("/_emulator/reset", auth=(ACCOUNT_SID, AUTH_TOKEN))

    assert assembled.resets == 1


def test_fetched_media_is_not_a_webhook(assembled: Assembled) -> None:
    """The log shows only requests to the program, and pictures may be anywhere."""
    assembled.parts.fetcher.fetch("http://localhost/a.png")
    assembled.call()

    assert [request.url for request in assembled.asked] == ["http://localhost/a.png", WEBHOOK_URL]
    assert [each.url for each in assembled.parts.webhook_log.all()] == [WEBHOOK_URL]


def test_clear_drops_scheduled_actions(assembled: Assembled) -> None:
    """A message of one test must not arrive in the next one."""
    happened: list[str] = []
    assembled.parts.schedule.at(MONDAY, lambda: happened.append("late"))
    assembled.parts.clear()
    assert assembled.parts.schedule.settle()

    assert happened == []


def test_clear_empties_the_queues(assembled: Assembled) -> None:
    """A number whose queue was full must be able to send again."""
    assembled.send()
    with pytest.raises(ApiError, match="exceeded the maximum number of queued messages"):
        assembled.send()
    assembled.parts.clear()

    assembled.send()


def test_clear_resets_the_reply_counts(assembled: Assembled) -> None:
    """With a stepped clock, many tests reply within the same seconds."""
    assert assembled.reply()
    assert assembled.reply() is None
    assembled.parts.clear()

    assert assembled.reply()


def test_clear_deletes_cookies(assembled: Assembled) -> None:
    """A session must not continue in the next test."""
    sent = [assembled.call(), assembled.call()]
    assembled.parts.clear()
    sent.append(assembled.call())

    assert sent == ["", "n=1", ""]


def test_clear_ends_an_outage(assembled: Assembled) -> None:
    """The outage is meant only for the test that started it."""
    assembled.parts.context.faults.add("api-503")
    assembled.parts.clear()

    assert assembled.get(f"{BASE}/Messages.json") == 200


def test_clear_empties_the_logs_and_keeps_their_watchers(assembled: Assembled) -> None:
    """A terminal that shows the requests must continue to do so."""
    seen: list[LoggedRequest] = []
    assembled.parts.log.watcher = seen.append
    assembled.get(f"{BASE}/Messages.json")
    assembled.call()
    assembled.parts.clear()
    assert (assembled.parts.log.all(), assembled.parts.webhook_log.all()) == ([], [])
    assembled.get(f"{BASE}/Messages.json")

    assert len(seen) == 2


def test_dependencies_of_the_emulator_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is installed without them, so the error must say what to install."""
    require_tools()
    monkeypatch.setattr("twiml_app.emulator.parts.find_spec", {}.get)

    with pytest.raises(ConfigurationError, match=r"emulator: it needs the extra dependencies: pip install"):
        require_tools()


def test_clock_starts_at_the_given_time(store: ResourceStore) -> None:
    """A test can choose its date; by default the clock starts now."""
    before = time.time()
    now = begin_at(store, None)

    assert before <= now <= time.time()
    assert begin_at(store, MONDAY) == MONDAY


@pytest.mark.parametrize(
    ("stopped", "changed", "expected"),
    [
        pytest.param(MONDAY - 60, MONDAY - 90, MONDAY, id="old state"),
        pytest.param(MONDAY + 60, MONDAY - 90, MONDAY + 60, id="stopped later"),
        pytest.param(0.0, MONDAY + 90, MONDAY + 90, id="killed after a later change"),
    ],
)
def test_clock_never_starts_before_the_dates_in_the_state(
    store: ResourceStore, stopped: float, changed: float, expected: float
) -> None:
    """Messages with a later date would block the queue of their number."""
    store.write(NOW, stopped)
    store.save(Account(sid=ACCOUNT_SID, auth_token="token", **OWN | {"date_updated": changed}))

    assert begin_at(store, MONDAY) == expected


@pytest.mark.parametrize(
    ("seed", "any_sender"),
    [
        pytest.param(None, True, id="no seed"),
        pytest.param({}, True, id="empty seed"),
        pytest.param({"phones": [{"contact": CONTACT}]}, True, id="seed without numbers"),
        pytest.param(SEED, False, id="seed with numbers"),
    ],
)
def test_seed_with_numbers_restricts_the_senders(context: Context, seed: Seed | None, any_sender: bool) -> None:
    """The state records this: a restart must not change it, whether the seed is given again or not."""
    chosen = [takes_any_sender(context.store, "state.db", seed, ACCOUNT_SID)]
    keep_account(context, ACCOUNT_SID, AUTH_TOKEN, seed)
    chosen += [takes_any_sender(context.store, "state.db", again, ACCOUNT_SID) for again in (None, seed)]

    assert chosen == [any_sender] * 3


@pytest.mark.parametrize(
    ("account_sid", "seed", "problem"),
    [
        pytest.param("AC" + "1" * 32, None, f"state: state.db belongs to account {ACCOUNT_SID}", id="another account"),
        pytest.param(ACCOUNT_SID, SEED, "seed: state.db was created without a seed", id="seed for a state without one"),
    ],
)
def test_state_that_does_not_match_is_refused(
    context: Context, account_sid: str, seed: Seed | None, problem: str
) -> None:
    """The error names the file and the remedy."""
    takes_any_sender(context.store, "state.db", None, ACCOUNT_SID)
    keep_account(context, ACCOUNT_SID, AUTH_TOKEN, None)

    with pytest.raises(ConfigurationError) as refused:
        takes_any_sender(context.store, "state.db", seed, account_sid)
    assert str(refused.value).startswith(problem)


def test_account_of_a_state_is_not_confused_with_a_subaccount(context: Context) -> None:
    """The first account that the store finds may be a subaccount of this one."""
    child = "AC" + "0" * 32
    context.store.save(Account(sid=child, auth_token="child", **OWN))
    takes_any_sender(context.store, "state.db", None, ACCOUNT_SID)
    keep_account(context, ACCOUNT_SID, AUTH_TOKEN, None)

    assert takes_any_sender(context.store, "state.db", None, ACCOUNT_SID)


def test_account_is_created_with_the_resources_of_the_seed(context: Context) -> None:
    """An emulator has both from the start."""
    keep_account(context, ACCOUNT_SID, AUTH_TOKEN, SEED)

    assert context.account(ACCOUNT_SID) == Account(
        sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, friendly_name="emulator@example.com", **OWN
    )
    assert context.our_number("") == NUMBER


def test_only_the_token_of_an_existing_account_is_updated(context: Context) -> None:
    """A restart must not create a released number again, and a new token must be valid at once."""
    keep_account(context, ACCOUNT_SID, "old", SEED)
    (number,) = context.store.find(IncomingNumber)
    context.store.delete(IncomingNumber, number.sid)
    keep_account(context, ACCOUNT_SID, "new", SEED)

    assert context.account(ACCOUNT_SID).auth_token == "new"
    assert context.store.find(IncomingNumber) == []


def test_no_account_is_created_with_an_invalid_seed(context: Context) -> None:
    """If the account existed, the corrected seed would not be applied."""
    with pytest.raises(ConfigurationError):
        keep_account(context, ACCOUNT_SID, AUTH_TOKEN, {"numbers": [{"phone_number": "garbage"}]})

    assert context.store.find(Account) == []
