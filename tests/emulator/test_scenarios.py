"""End-to-end scenarios over HTTP: phones, the emulator, and a program in gunicorn with both kinds of authentication."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.clients.website import PICTURE, website
from tests.servers import ROOT, clean_environment, gunicorn
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import OutgoingRequest
from twiml_app.caller.urls import without_userinfo
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import EmulatedPhone, Emulator, FetchedMedia
from twiml_app.webhook import Form, WebhookResponse

pytestmark = pytest.mark.slow

CREDENTIALS = "sms:quite-long-enough"
NUMBER = "+15017122661"
#: Its connection overrides retry every failure, with a short timeout.
RETRYING_NUMBER = "+15017122662"
#: Its connection overrides never retry.
HASTY_NUMBER = "+15017122663"

HANDLERS = '''
import base64
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

from twilio.rest import Client

from twiml_app import InboundMessage, Media, Message, Redirect, Router, StatusCallback

router = Router()
notes = Path(os.environ["NOTES"])
client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
client.api.base_url = os.environ["TWILIO_URL"]


def note(kind: str, **values: object) -> None:
    """Write a line about a call of a handler; one write per line, because there are several workers."""
    with (notes / kind).open("a") as file:
        file.write(json.dumps(values) + "\\n")


@router.message(query={"step": "2"})
def second(message: InboundMessage) -> list[Message | Redirect]:
    return [Message(f"two, from {message.body}"), Redirect("/message?step=3", method="POST")]


@router.message(query={"step": "3"})
def third(message: InboundMessage) -> str:
    return f"three, from {message.body}"


@router.message("chain")
def first(message: InboundMessage) -> list[Message | Redirect]:
    return [Message("one"), Redirect("/message?step=2", method="GET")]


@router.message("order <int:count> <item>")
def order(message: InboundMessage, count: int, item: str) -> str:
    note("orders", sid=message.message_sid)
    return f"{count} {item}, in {message.num_segments} segment"


@router.message(media="image/*")
def picture(message: InboundMessage) -> Message:
    account = f"{client.username}:{client.password}".encode()
    authorization = {"Authorization": f"Basic {base64.b64encode(account).decode()}"}
    with urlopen(Request(message.media[0].url, headers=authorization)) as answer:
        content = answer.read()
    return Message(f"{len(content)} bytes of {answer.headers['Content-Type']}", Media(os.environ["PICTURE_URL"]))


@router.message("twice")
def twice(message: InboundMessage) -> str:
    client.messages.create(to=message.contact, from_=message.number, body="by the API")
    return "by TwiML"


@router.message("broken")
def broken(message: InboundMessage) -> str:
    note("broken", sid=message.message_sid)
    raise RuntimeError("out of coffee")


@router.message("slow")
def slow(message: InboundMessage) -> str:
    note("slow", sid=message.message_sid)
    host, port = os.environ["GATE"].split(":")
    with suppress(OSError), socket.create_connection((host, int(port))) as gate:
        gate.recv(1)
    return "at last"


@router.opt_out("STOP", "START")
def left(message: InboundMessage) -> None:
    note("left", contact=message.contact, body=message.body)


@router.default
def other(message: InboundMessage) -> str:
    return f"you say {message.body}"


def _values(status: StatusCallback) -> dict[str, object]:
    values = {"sid": status.message_sid, "status": status.message_status, "code": status.error_code}
    return values | {"answers": status.in_reply_to, "contact": status.contact}


@router.error_code(30003)
def unreachable(status: StatusCallback) -> None:
    note("unreachable", **_values(status))


@router.error_code(30005)
def unknown(status: StatusCallback) -> None:
    note("unknown", **_values(status))


@router.status("delivered")
def arrived(status: StatusCallback) -> None:
    note("arrived", **_values(status))


routers = [router]
'''


class RecordingTransport:
    """Sends requests over HTTP and records them; can lose answers, and calls a function at a timeout."""

    def __init__(self) -> None:
        self.sent: list[OutgoingRequest] = []
        self.on_timeout: Callable[[], None] = lambda: None
        self._answers_to_lose = 0
        self._send = HttpTransport()

    def lose_answers(self, count: int) -> None:
        """Lose the answers to the next requests with credentials."""
        self._answers_to_lose = count

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request."""
        self.sent.append(request)
        try:
            response = self._send(request)
        except TimeoutError:
            if has_credentials(request):
                self.on_timeout()
            raise
        if self._answers_to_lose and has_credentials(request):
            self._answers_to_lose -= 1
            raise ConnectionResetError("the answer was lost on its way")
        return response

    def asked(self, sid: str, path: str = "/message") -> list[Form]:
        """Return the forms that were posted with credentials to a path, for one message."""
        posted = [each for each in self.sent if urlsplit(each.url).path == path and has_credentials(each)]
        forms = [Form.read(each.body.decode(), max_fields=100) for each in posted]
        return [form for form in forms if form.get("MessageSid") == sid]


def has_credentials(request: OutgoingRequest) -> bool:
    """Return whether a request answers the challenge."""
    return any(name == "Authorization" for name, _ in request.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running program, an emulator that calls it, and the records of both."""

    emulator: Emulator
    transport: RecordingTransport
    #: The URL of the program, with credentials.
    url: str
    folder: Path
    #: The handler of "slow" waits until this is closed.
    gate: socket.socket

    def notes(self, kind: str) -> list[Any]:
        """Return the notes of a kind that handlers have written."""
        file = self.folder / "notes" / kind
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def notes_of(self, kind: str, sid: str) -> list[Any]:
        """Return the notes of a kind about one message."""
        return [note for note in self.notes(kind) if note["sid"] == sid]

    def inbox_of(self, phone: EmulatedPhone) -> list[str]:
        """Return the texts that have reached a phone once all are delivered, sorted, because their order is random."""
        assert self.emulator.settle()
        return sorted(message.body for message in phone.inbox)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One program for all scenarios, which use different phones."""
    folder, transport = tmp_path_factory.mktemp("project"), RecordingTransport()
    gate = socket.create_server(("127.0.0.1", 0))
    with gate, website() as site, Emulator(transport=transport) as emulator:
        make_project(folder)
        settings = settings_of(folder, emulator) | {
            "TWILIO_URL": emulator.url,
            "PICTURE_URL": f"{site.url}/owl.png",
            "NOTES": str(folder / "notes"),
            "GATE": "{}:{}".format(*gate.getsockname()),
        }
        with gunicorn(settings, folder=folder, workers=2) as address:
            url = address.replace("://", f"://{CREDENTIALS}@")
            for number, overrides in [(NUMBER, ""), (RETRYING_NUMBER, "#rt=3000&rc=5&rp=all"), (HASTY_NUMBER, "#rc=0")]:
                emulator.add_number(number, f"{url}/message{overrides}", fallback_url=f"{url}/fallback")
            yield World(emulator=emulator, transport=transport, url=url, folder=folder, gate=gate)


def make_project(folder: Path) -> None:
    """Create a project as ``twiml-app new`` does, with the handlers above."""
    for name in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / "twiml_app" / "scaffold" / name, folder)
    for name in ("handlers", "notes"):
        (folder / name).mkdir()
    (folder / "handlers" / "__init__.py").write_text(HANDLERS)


def settings_of(folder: Path, emulator: Emulator) -> dict[str, str]:
    """Return the settings of the program: both kinds of authentication, and a journal."""
    return {
        "TWIML_CREDENTIALS": CREDENTIALS,
        "TWILIO_ACCOUNT_SID": emulator.account_sid,
        "TWILIO_AUTH_TOKEN": emulator.auth_token,
        "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db",
    }


def test_chat(world: World) -> None:
    """In the main use case, the reply reaches the phone and the debugger is empty."""
    phone = world.emulator.phone("+15558670001")

    reply = phone.text("order 2 coffee", number=NUMBER)

    assert reply.problems == []
    assert reply.texts == ["2 coffee, in 1 segment"]
    assert world.inbox_of(phone) == ["2 coffee, in 1 segment"]
    (arrived,) = world.notes_of("arrived", reply.messages[0].sid)
    assert arrived["answers"] == reply.inbound.sid


def test_picture_for_a_picture(world: World) -> None:
    """The program fetches the picture with the credentials of its account, and its own picture reaches the phone."""
    phone = world.emulator.phone("+15558670002")

    reply = phone.text(number=NUMBER, media=[FetchedMedia(content_type="image/png", content=PICTURE)])

    assert reply.problems == []
    assert world.inbox_of(phone) == [f"{len(PICTURE)} bytes of image/png"]
    (received,) = phone.inbox
    (media,) = world.emulator.client().messages(received.sid).media.list()
    assert (received.num_media, media.content_type) == (1, "image/png")
    assert fetch(world.emulator, media.uri.removesuffix(".json")) == PICTURE


def fetch(emulator: Emulator, path: str) -> bytes:
    """Fetch a path from the REST API."""
    header = basic_header(Credentials(emulator.account_sid, emulator.auth_token))
    request = Request(f"{emulator.url}{path}", headers={"Authorization": header})
    with urlopen(request) as answer:
        content: bytes = answer.read()
    return content


def test_handler_also_sends_with_the_official_client(world: World) -> None:
    """The handler calls the REST API while Twilio waits for its answer: neither may block the other."""
    phone = world.emulator.phone("+15558670003")

    reply = phone.text("twice", number=NUMBER)

    assert reply.problems == []
    assert reply.texts == ["by TwiML"]
    assert world.inbox_of(phone) == ["by TwiML", "by the API"]
    assert {message.direction for message in phone.inbox} == {"outbound-reply", "outbound-api"}


def test_redirects_within_the_program(world: World) -> None:
    """Relative redirects with GET and POST are signed, and only their query distinguishes the three requests."""
    phone = world.emulator.phone("+15558670004")

    reply = phone.text("chain", number=NUMBER)

    assert reply.problems == []
    assert reply.texts == ["one", "two, from chain", "three, from chain"]
    assert world.inbox_of(phone) == ["one", "three, from chain", "two, from chain"]


def test_fallback_url_is_called_if_a_handler_raises(world: World) -> None:
    """It receives the error; without an apology nothing is sent, and no handler runs again."""
    phone = world.emulator.phone("+15558670005")

    reply = phone.text("broken", number=NUMBER)

    (asked,) = world.transport.asked(reply.inbound.sid, "/fallback")
    address = without_userinfo(f"{world.url}/message")
    assert (asked.get("ErrorCode"), asked.get("ErrorUrl")) == ("11200", address)
    assert [(problem.code, problem.url) for problem in reply.problems] == [(11200, address)]
    assert (reply.texts, len(world.notes_of("broken", reply.inbound.sid))) == ([], 1)


def test_stop_and_start(world: World) -> None:
    """Twilio answers itself and blocks later messages; both words are posted to the program."""
    phone = world.emulator.phone("+15558670006")
    client = world.emulator.client()

    stopped = phone.text("STOP", number=NUMBER)
    between = phone.text("hello?", number=NUMBER)
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=phone.contact, from_=NUMBER, body="still there?")
    only_twilio = world.inbox_of(phone)
    started = phone.text("START", number=NUMBER)
    sent = client.messages.create(to=phone.contact, from_=NUMBER, body="welcome back")

    assert (stopped.problems, stopped.texts) == ([], [])
    assert ([problem.code for problem in between.problems], refused.value.code) == ([21610], 21610)
    assert [text.partition(".")[0] for text in only_twilio] == ["You have successfully been unsubscribed"]
    assert (started.problems, started.texts) == ([], ["you say START"])
    assert {"welcome back", "you say START"} < set(world.inbox_of(phone))
    assert client.messages(sent.sid).fetch().status == "delivered"
    assert [note["body"] for note in world.notes("left") if note["contact"] == phone.contact] == ["STOP", "START"]


def test_undelivered_reply_calls_the_handler_of_its_error_code(world: World) -> None:
    """The signed status URL identifies the inbound message; handlers of other codes do not run."""
    phone = world.emulator.phone("+15558670007").will("undelivered", 30005)

    reply = phone.text("order 1 tea", number=NUMBER)
    inbox = world.inbox_of(phone)

    (message,) = reply.messages
    assert (reply.problems, inbox) == ([], [])
    assert world.notes_of("unknown", message.sid) == [
        {
            "sid": message.sid,
            "status": "undelivered",
            "code": 30005,
            "answers": reply.inbound.sid,
            "contact": phone.contact,
        }
    ]
    assert world.notes_of("unreachable", message.sid) == world.notes_of("arrived", message.sid) == []


def test_retry_after_a_timeout_gets_the_answer_of_the_first_request(world: World) -> None:
    """The first request is still running when the second one arrives: the handler runs once."""
    phone = world.emulator.phone("+15558670008")
    world.transport.on_timeout = world.gate.close

    reply = phone.text("slow", number=RETRYING_NUMBER)

    assert len(world.transport.asked(reply.inbound.sid)) > 1
    assert len(world.notes_of("slow", reply.inbound.sid)) == 1
    assert (reply.problems, reply.texts) == ([], ["at last"])
    assert world.inbox_of(phone) == ["at last"]


def test_retry_after_a_lost_answer_gets_the_same_answer(world: World) -> None:
    """The first request was answered, but the answer did not arrive."""
    phone = world.emulator.phone("+15558670009")
    world.transport.lose_answers(1)

    reply = phone.text("order 3 cocoa", number=RETRYING_NUMBER)

    assert len(world.transport.asked(reply.inbound.sid)) > 1
    assert len(world.notes_of("orders", reply.inbound.sid)) == 1
    assert (reply.problems, reply.texts) == ([], ["3 cocoa, in 1 segment"])
    assert world.inbox_of(phone) == ["3 cocoa, in 1 segment"]


def test_fallback_url_after_a_lost_answer_gets_the_same_answer(world: World) -> None:
    """Without retries, the fallback URL returns the stored reply of the handler."""
    phone = world.emulator.phone("+15558670010")
    world.transport.lose_answers(1)

    reply = phone.text("order 4 juice", number=HASTY_NUMBER)

    assert [problem.code for problem in reply.problems] == [11200]
    assert len(world.notes_of("orders", reply.inbound.sid)) == 1
    assert world.inbox_of(phone) == ["4 juice, in 1 segment"]


def test_many_people_text_at_once(world: World) -> None:
    """With two workers and one journal, every contact gets exactly their own answer."""
    phones = [world.emulator.phone(f"+1555867{1000 + n}") for n in range(12)]

    with ThreadPoolExecutor(len(phones)) as pool:
        replies = [*pool.map(lambda phone: phone.text(f"order {phone.contact[-4:]} tea", number=NUMBER), phones)]

    assert [reply.problems for reply in replies] == [[]] * len(phones)
    assert [reply.texts for reply in replies] == [[f"{1000 + n} tea, in 1 segment"] for n in range(12)]
    assert [world.inbox_of(phone) for phone in phones] == [reply.texts for reply in replies]
    assert [len(world.notes_of("orders", reply.inbound.sid)) for reply in replies] == [1] * len(phones)


def test_status_of_a_message_sent_through_the_api_is_in_the_ledger(world: World) -> None:
    """The status callback URL of a message may contain credentials."""
    phone = world.emulator.phone("+15558670011")

    sent = world.emulator.client().messages.create(
        to=phone.contact, from_=NUMBER, body="news", status_callback=f"{world.url}/status"
    )
    assert world.inbox_of(phone) == ["news"]

    command = [str(Path(sys.executable).parent / "twiml-app"), "ledger", sent.sid, "--json"]
    environment = clean_environment(**settings_of(world.folder, world.emulator))
    done = subprocess.run(command, cwd=world.folder, env=environment, capture_output=True)
    ledger = json.loads(done.stdout)
    assert (ledger["status"], ledger["error_code"]) == ("delivered", None), done
    assert [status for _, status, _ in ledger["history"]] == ["sent", "delivered"]
    assert [entry for entry in world.emulator.debugger if entry.message_sid == sent.sid] == []
