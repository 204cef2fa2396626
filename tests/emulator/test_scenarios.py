"""Whole stories over HTTP: phones, the emulator, and a program under gunicorn with both kinds of authentication on."""

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
from twiml_app.caller.caller import without_userinfo
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import OutgoingRequest
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import EmulatedPhone, Emulator, FetchedMedia
from twiml_app.webhook import Form, WebhookResponse

pytestmark = pytest.mark.slow

CREDENTIALS = "sms:quite-long-enough"
NUMBER = "+15017122661"
#: Tries again whatever fails, and does not wait long.
RETRYING_NUMBER = "+15017122662"
#: Tries nothing again.
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


def note(kind: str, **told: object) -> None:
    """Write down what a handler saw, a line at once: several workers write."""
    with (notes / kind).open("a") as file:
        file.write(json.dumps(told) + "\\n")


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


def _told(status: StatusCallback) -> dict[str, object]:
    told = {"sid": status.message_sid, "status": status.message_status, "code": status.error_code}
    return told | {"answers": status.in_reply_to, "contact": status.contact}


@router.error_code(30003)
def unreachable(status: StatusCallback) -> None:
    note("unreachable", **_told(status))


@router.error_code(30005)
def unknown(status: StatusCallback) -> None:
    note("unknown", **_told(status))


@router.status("delivered")
def arrived(status: StatusCallback) -> None:
    note("arrived", **_told(status))


routers = [router]
'''


class Wire:
    """HTTP, of which every request is kept; an answer can be lost on its way, and whoever waits too long is told of."""

    def __init__(self) -> None:
        self.sent: list[OutgoingRequest] = []
        self.on_timeout: Callable[[], None] = lambda: None
        self._answers_to_lose = 0
        self._send = HttpTransport()

    def lose_answers(self, count: int) -> None:
        """Lose the next answers to requests that carry credentials."""
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
        """Return the forms that were posted to a path with credentials, for one message."""
        posted = [each for each in self.sent if urlsplit(each.url).path == path and has_credentials(each)]
        forms = [Form.read(each.body.decode(), max_fields=100) for each in posted]
        return [form for form in forms if form.get("MessageSid") == sid]


def has_credentials(request: OutgoingRequest) -> bool:
    """Tell whether the challenge has been answered."""
    return any(name == "Authorization" for name, _ in request.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A program that is served, the emulator in front of it, and what can be seen of both."""

    emulator: Emulator
    webhook_log: Wire
    #: The program's address, with credentials.
    url: str
    folder: Path
    #: Keeps the handler of "slow" waiting until it is closed.
    gate: socket.socket

    def notes(self, kind: str) -> list[Any]:
        """Return what handlers have written down."""
        file = self.folder / "notes" / kind
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def notes_of(self, kind: str, sid: str) -> list[Any]:
        """Return what handlers have written down of a message."""
        return [told for told in self.notes(kind) if told["sid"] == sid]

    def inbox_of(self, phone: EmulatedPhone) -> list[str]:
        """Return the texts that have reached a phone, once everything has arrived; replies come in any order."""
        assert self.emulator.settle()
        return sorted(message.body for message in phone.inbox)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One program for all stories: each has phones of its own."""
    folder, webhook_log = tmp_path_factory.mktemp("project"), Wire()
    gate = socket.create_server(("127.0.0.1", 0))
    with gate, website() as site, Emulator(transport=webhook_log) as emulator:
        make_project(folder)
        settings = settings_of(folder, emulator) | {
            "TWILIO_URL": emulator.url,
            "PICTURE_URL": f"{site.url}/owl.png",
            "NOTES": str(folder / "notes"),
            "GATE": "{}:{}".format(*gate.getsockname()),
        }
        with gunicorn(settings, folder=folder, workers=2) as address:
            url = address.replace("://", f"://{CREDENTIALS}@")
            for number, overrides in [(NUMBER, ""), (RETRYING_NUMBER, "#rt=1000&rc=5&rp=all"), (HASTY_NUMBER, "#rc=0")]:
                emulator.add_number(number, f"{url}/message{overrides}", fallback_url=f"{url}/fallback")
            yield World(emulator=emulator, webhook_log=webhook_log, url=url, folder=folder, gate=gate)


def make_project(folder: Path) -> None:
    """Make a project as ``twiml-app new`` does, with the handlers of the stories."""
    for name in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / "twiml_app" / "scaffold" / name, folder)
    for name in ("handlers", "notes"):
        (folder / name).mkdir()
    (folder / "handlers" / "__init__.py").write_text(HANDLERS)


def settings_of(folder: Path, emulator: Emulator) -> dict[str, str]:
    """Return the settings of the program: credentials and signatures, and a journal."""
    return {
        "TWIML_CREDENTIALS": CREDENTIALS,
        "TWILIO_ACCOUNT_SID": emulator.account_sid,
        "TWILIO_AUTH_TOKEN": emulator.auth_token,
        "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db",
    }


def test_chat(world: World) -> None:
    """The main job, with everything on: the reply reaches the phone, and Twilio has nothing to complain about."""
    phone = world.emulator.phone("+15558670001")

    turn = phone.text("order 2 coffee", number=NUMBER)

    assert turn.problems == []
    assert turn.texts == ["2 coffee, in 1 segment"]
    assert world.inbox_of(phone) == ["2 coffee, in 1 segment"]
    (arrived,) = world.notes_of("arrived", turn.messages[0].sid)
    assert arrived["answers"] == turn.inbound.sid


def test_picture_for_a_picture(world: World) -> None:
    """The program fetches what was sent, with its account's credentials; what it sends back reaches the phone whole."""
    phone = world.emulator.phone("+15558670002")

    turn = phone.text(number=NUMBER, media=[FetchedMedia(content_type="image/png", content=PICTURE)])

    assert turn.problems == []
    assert world.inbox_of(phone) == [f"{len(PICTURE)} bytes of image/png"]
    (received,) = phone.inbox
    (media,) = world.emulator.client().messages(received.sid).media.list()
    assert (received.num_media, media.content_type) == (1, "image/png")
    assert fetch(world.emulator, media.uri.removesuffix(".json")) == PICTURE


def fetch(emulator: Emulator, path: str) -> bytes:
    """Fetch something from the REST API."""
    header = basic_header(Credentials(emulator.account_sid, emulator.auth_token))
    request = Request(f"{emulator.url}{path}", headers={"Authorization": header})
    with urlopen(request) as answer:
        content: bytes = answer.read()
    return content


def test_handler_sends_by_the_official_client_as_well(world: World) -> None:
    """While Twilio waits for the answer, the program asks Twilio to send: neither may block the other."""
    phone = world.emulator.phone("+15558670003")

    turn = phone.text("twice", number=NUMBER)

    assert turn.problems == []
    assert turn.texts == ["by TwiML"]
    assert world.inbox_of(phone) == ["by TwiML", "by the API"]
    assert {message.direction for message in phone.inbox} == {"outbound-reply", "outbound-api"}


def test_redirects_lead_through_the_program(world: World) -> None:
    """By GET and by POST, relative, signed, and told apart by the query alone: the text is the same in all three."""
    phone = world.emulator.phone("+15558670004")

    turn = phone.text("chain", number=NUMBER)

    assert turn.problems == []
    assert turn.texts == ["one", "two, from chain", "three, from chain"]
    assert world.inbox_of(phone) == ["one", "three, from chain", "two, from chain"]


def test_handler_that_raises_leads_to_the_fallback_url(world: World) -> None:
    """It is told what failed; without an apology nothing is sent, and no handler runs a second time."""
    phone = world.emulator.phone("+15558670005")

    turn = phone.text("broken", number=NUMBER)

    (asked,) = world.webhook_log.asked(turn.inbound.sid, "/fallback")
    address = without_userinfo(f"{world.url}/message")
    assert (asked.get("ErrorCode"), asked.get("ErrorUrl")) == ("11200", address)
    assert [(problem.code, problem.url) for problem in turn.problems] == [(11200, address)]
    assert (turn.texts, len(world.notes_of("broken", turn.inbound.sid))) == ([], 1)


def test_stop_and_start(world: World) -> None:
    """Twilio answers by itself and sends nothing more; the program is told of both words."""
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
    assert [told["body"] for told in world.notes("left") if told["contact"] == phone.contact] == ["STOP", "START"]


def test_lost_reply_reaches_the_handler_of_its_error_code(world: World) -> None:
    """The signed status URL of the reply says which message it answered; no other code's handler runs."""
    phone = world.emulator.phone("+15558670007").will("undelivered", 30005)

    turn = phone.text("order 1 tea", number=NUMBER)
    inbox = world.inbox_of(phone)

    (reply,) = turn.messages
    assert (turn.problems, inbox) == ([], [])
    assert world.notes_of("unknown", reply.sid) == [
        {
            "sid": reply.sid,
            "status": "undelivered",
            "code": 30005,
            "answers": turn.inbound.sid,
            "contact": phone.contact,
        }
    ]
    assert world.notes_of("unreachable", reply.sid) == world.notes_of("arrived", reply.sid) == []


def test_answer_that_comes_too_late_is_given_to_the_retry(world: World) -> None:
    """The first attempt still runs when the second one comes: one run of the handler, one reply."""
    phone = world.emulator.phone("+15558670008")
    world.webhook_log.on_timeout = world.gate.close

    turn = phone.text("slow", number=RETRYING_NUMBER)

    assert len(world.webhook_log.asked(turn.inbound.sid)) > 1
    assert len(world.notes_of("slow", turn.inbound.sid)) == 1
    assert (turn.problems, turn.texts) == ([], ["at last"])
    assert world.inbox_of(phone) == ["at last"]


def test_answer_that_is_lost_is_given_to_the_retry(world: World) -> None:
    """The first attempt was answered, and nobody heard it."""
    phone = world.emulator.phone("+15558670009")
    world.webhook_log.lose_answers(1)

    turn = phone.text("order 3 cocoa", number=RETRYING_NUMBER)

    assert len(world.webhook_log.asked(turn.inbound.sid)) > 1
    assert len(world.notes_of("orders", turn.inbound.sid)) == 1
    assert (turn.problems, turn.texts) == ([], ["3 cocoa, in 1 segment"])
    assert world.inbox_of(phone) == ["3 cocoa, in 1 segment"]


def test_answer_that_is_lost_is_given_to_the_fallback_url(world: World) -> None:
    """Without a retry the fallback URL is all there is: it knows what the handler has said."""
    phone = world.emulator.phone("+15558670010")
    world.webhook_log.lose_answers(1)

    turn = phone.text("order 4 juice", number=HASTY_NUMBER)

    assert [problem.code for problem in turn.problems] == [11200]
    assert len(world.notes_of("orders", turn.inbound.sid)) == 1
    assert world.inbox_of(phone) == ["4 juice, in 1 segment"]


def test_many_people_text_at_once(world: World) -> None:
    """Two workers, one journal: everybody gets their own answer, once."""
    phones = [world.emulator.phone(f"+1555867{1000 + n}") for n in range(12)]

    with ThreadPoolExecutor(len(phones)) as pool:
        turns = [*pool.map(lambda phone: phone.text(f"order {phone.contact[-4:]} tea", number=NUMBER), phones)]

    assert [turn.problems for turn in turns] == [[]] * len(phones)
    assert [turn.texts for turn in turns] == [[f"{1000 + n} tea, in 1 segment"] for n in range(12)]
    assert [world.inbox_of(phone) for phone in phones] == [turn.texts for turn in turns]
    assert [len(world.notes_of("orders", turn.inbound.sid)) for turn in turns] == [1] * len(phones)


def test_status_of_what_the_api_has_sent_is_in_the_ledger(world: World) -> None:
    """The status path takes credentials from the URL that is given with a message, as any URL of Twilio's may."""
    phone = world.emulator.phone("+15558670011")

    sent = world.emulator.client().messages.create(
        to=phone.contact, from_=NUMBER, body="news", status_callback=f"{world.url}/status"
    )
    assert world.inbox_of(phone) == ["news"]

    command = [str(Path(sys.executable).parent / "twiml-app"), "ledger", sent.sid, "--json"]
    environment = clean_environment(**settings_of(world.folder, world.emulator))
    done = subprocess.run(command, cwd=world.folder, env=environment, capture_output=True)
    told = json.loads(done.stdout)
    assert (told["status"], told["error_code"]) == ("delivered", None), done
    assert [status for _, status, _ in told["history"]] == ["sent", "delivered"]
    assert [entry for entry in world.emulator.debugger if entry.message_sid == sent.sid] == []
