"""Replay: recorded exchanges are sent again, and the report shows exactly the answers that changed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from flask import Flask, url_for
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings.exchanges import EMPTY, exchange
from tests.webhook_requests import ACCOUNT, OTHER_ACCOUNT, SID, TOKEN
from twiml_app import InboundMessage, Media, Message, Redirect, Router, StatusCallback
from twiml_app.app import Twiml
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.errors import CallError
from twiml_app.receiver.receiver import REPLAY_HEADER
from twiml_app.recordings.format import Exchange, read_file, write_file
from twiml_app.recordings.replay import Destination, Replayed, SendExchange, Sent, replay
from twiml_app.testing import Phone, in_process
from twiml_app.twiml import DECLARATION
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_PUBLIC_URL": "https://sms.example.com"}


def exchange(number: int = 0, *, at: float = 0.0, answer: WebhookResponse = EMPTY, **changes: Any) -> Exchange:
    """Make a recorded exchange; the number is its text."""
    made = Exchange(
        received_at=at,
        kind="message",
        endpoint="message",
        method="POST",
        url="https://sms.example.com/message",
        form=inbound_form(str(number), message_sid=SID),
        answer=answer,
    )
    return replace(made, **changes)


def echo(sent: Exchange) -> Sent:
    """Return the recorded answer."""
    return Sent(sent.answer)


@given(st.integers(1, 40), st.integers(1, 8))
def test_results_come_in_recorded_order(count: int, parallel: int) -> None:
    """The report is read next to the recording, however many requests were sent in parallel."""
    exchanges = [exchange(number) for number in range(count)]

    results = [*replay(exchanges, echo, parallel=parallel)]

    assert [result.exchange for result in results] == exchanges
    assert all(result.agrees and result.updated() is result.exchange for result in results)


def test_one_at_a_time_is_sent_in_recorded_order() -> None:
    """A handler that keeps state must see the conversation as it was."""
    sent: list[str] = []

    def send(each: Exchange) -> Sent:
        sent.append(each.form["Body"])
        return Sent(each.answer)

    assert len([*replay([exchange(number) for number in range(9)], send)]) == 9
    assert sent == [*"012345678"]


def test_several_at_once_are_under_way_together() -> None:
    """--parallel is there to find what breaks only under load."""
    together = threading.Barrier(3, timeout=30)

    def send(each: Exchange) -> Sent:
        together.wait()
        return Sent(each.answer)

    assert len([*replay([exchange(number) for number in range(6)], send, parallel=3)]) == 6


@pytest.mark.parametrize(
    ("pace", "slept"),
    [
        pytest.param(0.0, [], id="as fast as possible"),
        pytest.param(1.0, [10.0, 4.0], id="as recorded"),
        pytest.param(10.0, [1.0, 0.4], id="ten times as fast"),
    ],
)
@pytest.mark.parametrize("parallel", [1, 2])
def test_pace_keeps_the_recorded_times(pace: float, slept: list[float], parallel: int) -> None:
    """Rate limits and loops show only at the recorded pace; a clock that was set back must not add a pause."""
    waited: list[float] = []
    exchanges = [exchange(at=at) for at in (100.0, 110.0, 105.0, 110.0, 114.0)]

    assert len([*replay(exchanges, echo, pace=pace, parallel=parallel, sleep=waited.append)]) == 5
    assert waited == pytest.approx(slept)


def test_nothing_to_replay() -> None:
    """An empty recording is not an error."""
    assert [*replay([], echo, pace=1.0)] == []


def test_call_without_answer_is_a_difference_and_keeps_the_recorded_answer() -> None:
    """An application that is down must neither count as unchanged nor empty the recordings."""

    def send(_: Exchange) -> Sent:
        raise CallError("no connection to 127.0.0.1", url="http://127.0.0.1/")

    (result,) = replay([exchange()], send)

    assert result == Replayed(exchange(), None, ("no answer: no connection to 127.0.0.1",))
    assert (result.agrees, result.updated()) == (False, exchange())


def test_accepted_answer_carries_no_secret() -> None:
    """The token of a status URL replaces the credentials, and recordings are kept in git."""
    answer = replace(EMPTY, body=b'<Response><Message action="http://a:b@h/s?in_reply_to=1&amp;token=x"/></Response>')

    (result,) = replay([exchange()], lambda _: Sent(answer))

    assert result.updated().answer.body == (
        b'<Response><Message action="http://h/s?in_reply_to=1&amp;token=scrubbed"/></Response>'
    )


def new_app(router: Router, **settings: str) -> Flask:
    """Return an application with the handlers of a test."""
    app = Flask(__name__)
    app.config.update({"TWIML_DATABASE_URL": "off"} | SETTINGS | settings)
    Twiml(app, router=router)
    return app


def send_to(app: Flask) -> SendExchange:
    """Return a function that sends to an application in this process, as the command line does."""
    target, transport = in_process(app)
    caller = Caller(transport, token=target.token, headers=((REPLAY_HEADER, "1"),))
    return lambda each: target.destination().send(caller, each)


def watching() -> tuple[Router, list[InboundMessage | StatusCallback]]:
    """Return a router, and the list in which its handlers keep their events."""
    router, seen = Router(), list[InboundMessage | StatusCallback]()

    @router.default
    def keep(message: InboundMessage) -> None:
        seen.append(message)

    @router.status("delivered")
    def kept(status: StatusCallback) -> None:
        seen.append(status)

    return router, seen


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="basic"),
        pytest.param({"TWILIO_AUTH_TOKEN": TOKEN}, id="basic and signature"),
        pytest.param({"TWIML_AUTH_TOKENS": json.dumps({ACCOUNT: TOKEN})}, id="an account's own token"),
        pytest.param({"TWIML_ACCOUNTS": OTHER_ACCOUNT, "TWIML_AUTH_TOKENS": TOKEN}, id="another account"),
        pytest.param({"TWIML_MESSAGE_PATH": "/other"}, id="another path"),
    ],
)
def test_exchanges_are_sent_as_the_application_demands(settings: dict[str, str]) -> None:
    """Authentication is never off, and a recording of one installation must run at another."""
    router, seen = watching()
    form = inbound_form("Zo\udceb & +", message_sid=SID, account_sid="AC" + "9" * 32)
    get = exchange(form=form, method="GET", url=f"https://old.example/x?{form.encode()}")
    post = exchange(form=form, url="https://old.example/x?step=2&token=scrubbed&in_reply_to=SM1")
    status = exchange(
        kind="status", endpoint="status", form=status_form(SID, "delivered"), answer=WebhookResponse(status=204)
    )
    fallback = exchange(endpoint="fallback", form=form)

    results = [*replay([get, post, status, fallback], send_to(new_app(router, **settings)))]

    assert [result.differences for result in results] == [()] * 4
    assert [each.replayed for each in seen] == [True] * 3
    assert [each.form.get("Body") for each in seen] == ["Zo\ufffd & +"] * 2 + [None]
    assert dict(seen[1].query) == {"step": "2", "in_reply_to": "SM1"}


def test_error_statuses_are_compared_too() -> None:
    """A recorded 500 agrees with a 500; a recorded success does not."""
    router = Router()

    @router.default
    def fails(message: InboundMessage) -> str:
        raise ValueError(message.body)

    failed = exchange(answer=WebhookResponse(status=500, content_type="text/plain", body=b"the handler failed\n"))
    results = [*replay([failed, exchange()], send_to(new_app(router)))]

    assert [result.answer.status for result in results if result.answer] == [500, 500]
    assert "status 500" in str(results[1].differences)


def test_unreachable_destination_is_an_error_of_the_call() -> None:
    """The replay reports it per exchange and continues, so it must not end with a socket error."""
    destination = Destination(base_url="http://127.0.0.1:1", paths={"message": "/message"})

    def refuse(request: object) -> WebhookResponse:
        raise OSError("connection refused")

    with pytest.raises(CallError):
        destination.send(Caller(refuse), exchange())


def test_own_urls_agree_at_another_address() -> None:
    """A recording of production is replayed on localhost, where url_for returns other URLs."""
    router = Router()

    @router.message("ask")
    def ask(message: InboundMessage) -> Redirect:
        return Redirect(url_for("twiml.message", step=2, _external=True))

    @router.default
    def picture(message: InboundMessage) -> Message:
        url = url_for("twiml.healthz", _external=True)
        return Message(f"See {url}", Media(url))

    def answer(twiml: str) -> WebhookResponse:
        return replace(EMPTY, body=DECLARATION + f"<Response>{twiml}</Response>".encode())

    host = "https://sms.example.com:8443"
    media = f"<Message><Body>See {host}/healthz</Body><Media>{host}/healthz</Media></Message>"
    asked = inbound_form("ask", message_sid=SID)
    exchanges = [
        exchange(url=f"{host}/message", answer=answer(media)),
        exchange(url=f"{host}/message", form=asked, answer=answer(f"<Redirect>{host}/message?step=2</Redirect>")),
        exchange(url=f"{host}/message", form=asked, answer=answer(f"<Redirect>{host}/message?step=3</Redirect>")),
    ]

    results = [*replay(exchanges, send_to(new_app(router, TWIML_PUBLIC_URL="")))]

    assert [result.agrees for result in results] == [True, True, False]
    assert results[2].differences[-2:] == (
        "-   POST https://sms.example.com:8443/message?step=3",
        "+   POST http://localhost/message?step=2",
    )
    assert results[2].updated().answer.body == exchanges[1].answer.body


PROGRAM = """
from pathlib import Path

from flask import Flask

from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.app import Twiml

router = Router()

@router.message("menu")
def menu(message: InboundMessage) -> str:
    return Path(__file__).with_name("menu.txt").read_text()

@router.default
def echo(message: InboundMessage) -> str:
    return f"{message.profile_name} ({message.from_}) said {message.body}"

@router.status("failed")
def failed(status: StatusCallback) -> None:
    raise ValueError(status.to)

routers = [router]

def make_app(**settings: str) -> Flask:
    app = Flask(__name__)
    app.config.update(settings)
    Twiml(app, router=Router(router))
    return app
"""


class Project:
    """A project in a folder, with some traffic in its journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.module = f"program_{folder.name}"
        self.environment = SETTINGS | {
            "TWIML_HANDLERS": self.module,
            "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db",
        }
        (folder / f"{self.module}.py").write_text(PROGRAM)
        self.change_menu("Tea or coffee?")

    def change_menu(self, text: str) -> None:
        """Change the answer of one handler."""
        (self.folder / "menu.txt").write_text(text)

    def app(self, **settings: str) -> Flask:
        """Make the application with the settings of production."""
        app: Flask = importlib.import_module(self.module).make_app(**self.environment | settings)
        return app

    def record(self) -> None:
        """Text the application with its journal on."""
        phone = Phone(self.app(), contact="whatsapp:+15005550001", number="whatsapp:+15005550006")
        phone.text("menu")
        phone.text("call +15005550001\u2028or 500-555-0001", ProfileName="Ada & Bob")
        phone.text("menu")
        phone.status(SID, "failed", error_code=30005)

    def type(self, *arguments: str, **environment: str) -> Result:
        """Run a command in the folder."""
        with chdir(self.folder):
            return CliRunner().invoke(main, arguments, env={**self.environment, **environment}, catch_exceptions=False)

    def journal(self) -> list[Any]:
        """Return the contents of the journal."""
        with sqlite3.connect(self.folder / "twiml.db") as database:
            tables = ("exchanges", "refusals", "ledger")
            return [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with recorded traffic."""
    made = Project(tmp_path)
    sys.path.insert(0, str(tmp_path))
    made.record()
    yield made
    sys.path[:] = [folder for folder in sys.path if folder != str(tmp_path)]
    del sys.modules[made.module]


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port; return its URL with credentials."""
    with make_server("127.0.0.1", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://sms:quite-long-enough@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_recorded_exported_and_replayed_traffic_agrees(project: Project) -> None:
    """Yesterday's traffic must work as today's test."""
    exported = project.type("journal", "export", "traffic.jsonl")
    replayed = project.type("replay", "traffic.jsonl")

    assert exported.output == "4 exchanges in traffic.jsonl\n"
    assert (replayed.exit_code, replayed.stdout) == (0, "4 replayed, 0 different\n")
    text = (project.folder / "traffic.jsonl").read_text()
    for original in ("5005550001", "Ada", SID, "quite-long-enough", "500-555"):
        assert original not in text
    assert "whatsapp:+15005550006" in text


def test_exactly_the_exchanges_of_a_changed_handler_differ(project: Project) -> None:
    """After a change of one handler, the report shows only what it changes for customers."""
    project.type("journal", "export", "traffic.jsonl")
    project.change_menu("Tea only")

    result = project.type("replay", "traffic.jsonl", "--parallel", "2")
    rows = json.loads(project.type("replay", "traffic.jsonl", "--json").stdout)

    sids = [each.sid for each in read_file(project.folder / "traffic.jsonl") if each.form.get("Body") == "menu"]
    assert (result.exit_code, [row["sid"] for row in rows["different"]], rows["replayed"]) == (1, sids, 4)
    assert result.stdout.count(f"{project.module}.menu") == 2
    assert result.stdout.count("    -     Tea or coffee?\n    +     Tea only\n") == 2
    assert result.stdout.endswith("\n4 replayed, 2 different\n")


def test_new_answers_are_accepted(project: Project) -> None:
    """--update confirms an intended change; exchanges that agree are not rewritten."""
    project.type("journal", "export", "traffic.jsonl")
    before = (project.folder / "traffic.jsonl").read_text().split("\n")
    project.change_menu("Tea only")

    result = project.type("replay", "traffic.jsonl", "--update")

    after = (project.folder / "traffic.jsonl").read_text().split("\n")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "4 replayed, 2 different, 2 accepted")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False, True, True]
    assert project.type("replay", "traffic.jsonl").exit_code == 0


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_replay_does_not_change_the_live_journal(project: Project, where: str) -> None:
    """A journaled replay would be exported and counted as if customers had written."""
    project.type("journal", "export", "traffic.jsonl")
    before = project.journal()

    if where == "here":
        result = project.type("replay", "traffic.jsonl", "--app", f"{project.module}:make_app", **project.environment)
    else:
        with served(project.app()) as url:
            result = project.type("replay", "traffic.jsonl", "--to", f"{url}/message", "--pace", "1000x")

    assert (result.exit_code, result.stdout) == (0, "4 replayed, 0 different\n")
    assert project.journal() == before


def test_requests_to_another_address_are_signed(project: Project) -> None:
    """A running application checks signatures and accounts as for Twilio."""
    project.type("journal", "export", "traffic.jsonl")
    keys = {"TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT}

    with served(project.app(TWIML_ACCOUNTS=ACCOUNT, TWIML_PUBLIC_URL="", **keys)) as url:
        signed = project.type("replay", "traffic.jsonl", "--to", url, **keys)
        unsigned = project.type("replay", "traffic.jsonl", "--to", url)

    assert (signed.exit_code, signed.stdout) == (0, "4 replayed, 0 different\n")
    assert unsigned.stdout.endswith("4 replayed, 4 different\n")


def test_missing_answers_are_not_accepted(project: Project) -> None:
    """An update must not seem to succeed if the application is down."""
    project.type("journal", "export", "traffic.jsonl")
    with served(project.app()) as url:
        gone = url

    result = project.type("replay", "traffic.jsonl", "--to", gone, "--update")

    assert (result.exit_code, result.stdout.count("no answer: ")) == (1, 4)
    assert result.stdout.endswith("4 replayed, 4 different\n")


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        pytest.param(("--to", "https://sms.example.com"), 1, "sms.example.com is not this machine", id="another host"),
        pytest.param(("--to", "http://127.0.0.1@e.com"), 1, "e.com is not this machine", id="another host in disguise"),
        pytest.param(("--to", "127.0.0.1:8000"), 1, "give scheme and host", id="no scheme"),
        pytest.param(("--to", "http://[::1"), 1, "give scheme and host", id="a broken URL"),
        pytest.param(("--to", "http://localhost/?a=1"), 1, "give scheme and host", id="a query"),
        pytest.param(("--pace", "fast"), 2, "'fast' is no pace: give 1x or 10x", id="no pace"),
        pytest.param(("--pace", "-1x"), 2, "is no pace", id="backwards"),
        pytest.param(("--pace", "nan"), 2, "is no pace", id="not a number"),
        pytest.param(("--parallel", "0"), 2, "0 is not in the range", id="none at once"),
        pytest.param(("missing.jsonl",), 2, "missing.jsonl", id="a missing file"),
    ],
)
def test_usage_errors_are_reported_before_anything_is_sent(
    project: Project, arguments: tuple[str, ...], status: int, complaint: str
) -> None:
    """Recorded texts of customers must not go to a wrong address by accident."""
    write_file(project.folder / "a.jsonl", [exchange()])

    result = project.type("replay", "a.jsonl", *arguments)

    assert result.exit_code == status
    assert complaint in result.stderr


def test_anywhere_allows_another_host(project: Project) -> None:
    """A staging server is a useful destination of a replay."""
    write_file(project.folder / "a.jsonl", [exchange()])

    result = project.type("replay", "a.jsonl", "--anywhere", "--to", "http://host.invalid")

    assert (result.exit_code, "no answer: " in result.stdout) == (1, True)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_in_a_terminal(project: Project) -> None:
    """A paced replay takes as long as the traffic did; standard output must stay clean for programs."""
    write_file(project.folder / "a.jsonl", [exchange()])
    terminal, output = _Terminal(), io.StringIO()

    with chdir(project.folder), redirect_stderr(terminal), redirect_stdout(output), pytest.raises(SystemExit):
        main(["replay", "a.jsonl", "--to", "http://127.0.0.1:1"], standalone_mode=False)

    assert "replaying" in terminal.getvalue()
    assert output.getvalue().endswith("1 replayed, 1 different\n")


def test_error_names_the_broken_line(project: Project) -> None:
    """File and line are enough to fix it; a traceback is not needed."""
    (project.folder / "a.jsonl").write_text('{"schema": 2}\n')

    result = project.type("replay", "a.jsonl")

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: a.jsonl:1: schema 2 is newer than 1: upgrade twiml-app\n",
    )


def test_export_goes_to_standard_output_too(project: Project) -> None:
    """It can then be piped; filters and switches work the same way."""
    lines = project.type("journal", "export", "--handler", "menu").stdout.splitlines()
    redacted = project.type("journal", "export", "--redact-bodies", "--all-numbers").stdout

    assert [json.loads(line)["form"]["Body"] for line in lines] == ["menu", "menu"]
    assert "menu" not in redacted.replace(f"{project.module}.menu", "")
    assert "5005550006" not in redacted


def test_export_counts_the_exchanges_that_it_leaves_out(project: Project) -> None:
    """Users must understand why the file has fewer exchanges than the list."""
    with sqlite3.connect(project.folder / "twiml.db") as database:
        database.execute("UPDATE exchanges SET outcome = 'looping' WHERE id = 1")
        database.execute("UPDATE exchanges SET state = 'running' WHERE id = 2")
        database.execute("UPDATE exchanges SET body = NULL WHERE id = 3")

    result = project.type("journal", "export", "traffic.jsonl")

    assert result.output == (
        "1 exchanges in traffic.jsonl; 3 left out: kept without their request, unfinished, or silenced as a loop\n"
    )


def test_export_into_a_missing_folder_is_an_error_of_one_line(project: Project) -> None:
    """The folder of recordings does not exist before the first export."""
    result = project.type("journal", "export", "tests/recordings/a.jsonl")

    assert (result.exit_code, result.stderr.startswith("Error: tests/recordings/a.jsonl: ")) == (1, True)


def test_import_adds_only_new_exchanges(project: Project) -> None:
    """Importing the recordings of a server twice must not duplicate them."""
    project.type("journal", "export", "traffic.jsonl")
    elsewhere = {"TWIML_DATABASE_URL": f"sqlite:///{project.folder}/other.db"}

    first = project.type("journal", "import", "traffic.jsonl", **elsewhere)
    second = project.type("journal", "import", "traffic.jsonl", "traffic.jsonl", **elsewhere)
    project.type("journal", "export", "again.jsonl", **elsewhere)

    assert first.output == "4 of 4 exchanges were new\n"
    assert second.output == "0 of 8 exchanges were new\n"
    assert project.type("replay", "again.jsonl").stdout == "4 replayed, 0 different\n"


def test_show_prints_the_whole_exchange(project: Project) -> None:
    """Support may share the screen, so people are replaced by default."""
    shared = project.type("journal", "show", "2").stdout
    whole = project.type("journal", "show", "2", "--all-numbers").stdout
    status = project.type("journal", "show", "4").stdout

    assert "POST https://sms.example.com/message" in shared
    assert f"{project.module}.echo: replied, " in shared
    assert "200 text/xml; charset=utf-8" in shared
    assert ("Ada" in shared, "Ada &amp; Bob (whatsapp:+15005550001) said" in whole) == (False, True)
    assert f"{project.module}.failed: ValueError: whatsapp:+1555" in status
    assert json.loads(project.type("journal", "show", "2", "--json").stdout)["schema"] == 1


@pytest.mark.parametrize(
    ("number", "complaint"),
    [
        pytest.param("99", "there is no exchange 99", id="no such number"),
        pytest.param("1", "exchange 1 is kept without its request", id="request not kept"),
    ],
)
def test_show_explains_what_it_cannot_show(project: Project, number: str, complaint: str) -> None:
    """The list includes exchanges whose request was not kept."""
    with sqlite3.connect(project.folder / "twiml.db") as database:
        database.execute("UPDATE exchanges SET body = NULL WHERE id = 1")

    result = project.type("journal", "show", number)

    assert (result.exit_code, complaint in result.stderr) == (1, True)


def test_export_without_a_journal_is_an_error(project: Project) -> None:
    """The error names the setting."""
    result = project.type("journal", "export", TWIML_DATABASE_URL="off")

    assert (result.exit_code, "TWIML_DATABASE_URL" in result.stderr) == (1, True)
