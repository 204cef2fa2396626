"""Recordings as tests: the exchanges of a file are one conversation with one application."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.recorded import SID, answered, exchange
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.recordings.format import Exchange, write_file
from twiml_app.webhook import WebhookResponse

pytestmark = pytest.mark.slow

HANDLERS = """
import sqlite3
from contextlib import closing
from flask import current_app, session
from twiml_app import InboundMessage, Router, StatusCallback

router = Router()

@router.message("count")
def count(message: InboundMessage) -> str:
    session["count"] = session.get("count", 0) + 1
    current_app.texts.append(message.body)
    with closing(sqlite3.connect(current_app.config["DATABASE"])) as database, database:
        database.execute("INSERT INTO texts VALUES (?)", [message.body])
        (stored,) = database.execute("SELECT count(*) FROM texts").fetchone()
    return f"session {session['count']}, memory {len(current_app.texts)}, database {stored}"

@router.status("failed")
def failed(status: StatusCallback) -> None:
    print("status callback")
    current_app.texts.append("failed")
"""

CONFTEST = """
import sqlite3
from contextlib import closing
import pytest
from flask import Flask
from handlers import router
from twiml_app import Router
from twiml_app.app import Twiml

made = []

def make_app(database="texts.db"):
    app = Flask(__name__)
    app.texts = []
    app.config.update(TWIML_CREDENTIALS="sms:quite-long-enough", TWIML_DATABASE_URL="off", DATABASE=database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE texts (body TEXT)")
    Twiml(app, router=Router(router))
    return app

@pytest.fixture
def app(tmp_path):
    app = make_app(str(tmp_path / "texts.db"))
    made.append(app)
    yield app
    (tmp_path / "texts.db").unlink()
    app.texts = None

def pytest_unconfigure():
    print("applications:", len(made))
"""


def counted(session: int, total: int, *, memory: int = 0, from_: str = "+15005550001") -> Exchange:
    """Make an exchange in which the handler has seen so many texts, in a session and in total."""
    text = f"session {session}, memory {memory or total}, database {total}"
    return exchange("count", text, sid=f"SM{total:032x}", from_=from_)


FAILED = replace(
    exchange("", ""),
    kind="status",
    endpoint="status",
    form=status_form(SID, "failed", error_code=30005),
    answer=WebhookResponse(status=204),
)
CONVERSATION = [counted(1, 1), counted(2, 2), counted(1, 3, from_="+15005550009"), counted(3, 4)]


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    """The recordings of a project whose handlers keep state in a session, in memory and in a database."""
    pytester.makepyfile(handlers=HANDLERS)
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\ntwiml_recordings = recordings/*.jsonl\npythonpath = .\nfilterwarnings = error\n")
    made = pytester.mkdir("recordings")
    write_file(made / "a.jsonl", CONVERSATION)
    write_file(made / "b.jsonl", CONVERSATION[:2])
    return made


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "in parallel"])
def test_handlers_see_the_earlier_exchanges_of_a_file(
    pytester: pytest.Pytester, folder: Path, options: tuple[str, ...]
) -> None:
    """Handlers that ask questions need earlier answers, whether from a session, memory or a database."""
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=6)


def test_file_has_one_application_whose_fixtures_stay_alive(pytester: pytest.Pytester, folder: Path) -> None:
    """A function-scoped fixture removes its database at the end of the test that requested it."""
    result = pytester.runpytest_subprocess("-s")

    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*applications: 2"])


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        pytest.param(["recordings/a.jsonl::a:4 count"], 1, id="node id"),
        pytest.param(["-k", "a:2 or a:4"], 2, id="-k"),
        pytest.param(["-k", "a:2 or a:4", "-n", "2"], 2, id="in parallel"),
    ],
)
def test_earlier_exchanges_are_replayed_before_selected_ones(
    pytester: pytest.Pytester, folder: Path, options: list[str], passed: int
) -> None:
    """Developers rerun a single failed test, and it must have the same result."""
    result = pytester.runpytest_subprocess(*options)

    assert {"passed": passed}.items() <= result.parseoutcomes().items()
    assert "failed" not in result.parseoutcomes()


def test_later_exchanges_are_not_replayed(pytester: pytest.Pytester, folder: Path) -> None:
    """To run one test must not take as long as a long recording."""
    write_file(folder / "a.jsonl", [*CONVERSATION, FAILED])

    pytester.runpytest_subprocess("-s", "-k", "a:4").stdout.no_fnmatch_line("*status callback*")
    pytester.runpytest_subprocess("-s", "-k", "a:5").stdout.fnmatch_lines(["*status callback*"])


def test_each_exchange_has_its_own_result(pytester: pytest.Pytester, folder: Path) -> None:
    """One changed answer must not fail the tests of the whole file."""
    changed = replace(CONVERSATION[1], answer=answered("session 9", CONVERSATION[1].sid))
    write_file(folder / "a.jsonl", [CONVERSATION[0], changed, *CONVERSATION[2:]])

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*-     session 9", "*+     session 2, memory 2, database 2", "FAILED *a:2 count*"])


def test_order_of_the_tests_does_not_matter(pytester: pytest.Pytester, folder: Path) -> None:
    """Plugins shuffle tests, and --failed-first changes their order."""
    pytester.makeconftest(CONFTEST + "\ndef pytest_collection_modifyitems(items): items.reverse()\n")

    pytester.runpytest_subprocess().assert_outcomes(passed=6)


def test_repeated_test_replays_its_file_again(pytester: pytest.Pytester, folder: Path) -> None:
    """A plugin that reruns failed tests must get a new result."""
    pytester.makeconftest(CONFTEST + "\ndef pytest_collection_modifyitems(items): items.extend(items[1:3])\n")

    result = pytester.runpytest_subprocess("-s")

    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["*applications: 3"])


def test_marked_tests_share_a_replay_per_function_and_parameter(pytester: pytest.Pytester, folder: Path) -> None:
    """Each function prepares its own data, and so does each of its parameters."""
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.twiml_recordings("recordings/a.jsonl")
        def test_one(app, recorded_exchange):
            recorded_exchange()

        @pytest.mark.parametrize("unused", ["x", "y"])
        @pytest.mark.twiml_recordings("recordings/*.jsonl")
        def test_other(unused, recorded_exchange):
            recorded_exchange()
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=4 + 2 * 6)


@pytest.mark.parametrize(
    ("setting", "exchanges", "passed"),
    [
        pytest.param("", [counted(1, 1), FAILED, counted(2, 2, memory=3)], 3, id="default"),
        pytest.param("true", [counted(1, 1), FAILED, counted(2, 2, memory=3)], 3, id="on"),
        pytest.param("false", [counted(1, 1), FAILED, counted(2, 2)], 2, id="off"),
    ],
)
def test_status_callbacks_are_replayed_unless_left_out(
    pytester: pytest.Pytester, folder: Path, setting: str, exchanges: list[Exchange], passed: int
) -> None:
    """Later answers may depend on a failed delivery, but status handlers may also call services."""
    with (pytester.path / "tox.ini").open("a") as ini:
        ini.write(f"\ntwiml_recordings_status = {setting}\n" if setting else "")
    write_file(folder / "a.jsonl", exchanges)
    (folder / "b.jsonl").unlink()

    result = pytester.runpytest_subprocess("-v")

    result.assert_outcomes(passed=passed)
    result.stdout.fnmatch_lines(["*a:1 count PASSED*", "*a:3 count PASSED*"])


def test_media_next_to_a_recording_can_be_downloaded(pytester: pytest.Pytester, folder: Path) -> None:
    """The media URLs of a scrubbed recording are fictitious; without the file, the report says where to put it."""
    pytester.makepyfile(
        handlers="""
        import urllib.request
        from twiml_app import InboundMessage, Router

        router = Router()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        @router.default
        def size(message: InboundMessage) -> str:
            with opener.open(message.media[0].url) as picture:
                return f"{len(picture.read())} bytes"
        """
    )
    url = "https://host.invalid/Media/ME1"
    answer = replace(exchange("", "").answer, body=b"<Response><Message>3 bytes</Message></Response>")
    recorded = replace(exchange("", ""), form=inbound_form(media={url: "image/png"}, message_sid=SID), answer=answer)
    write_file(folder / "a.jsonl", [recorded])
    write_file(folder / "b.jsonl", [recorded])
    (folder / "a.media").mkdir()
    (folder / "a.media" / "ME1").write_bytes(b"png")

    result = pytester.runpytest_subprocess("--show-capture=no")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*handlers.size raised URLError: *",
            f"*the recorded media URL {url} is fictitious: put the file at {folder}/b.media/ME1 *",
        ]
    )


def test_command_line_agrees_with_the_tests(pytester: pytest.Pytester, folder: Path) -> None:
    """The same recording must have the same result in both places: each file has a caller of its own there, too."""
    write_file(folder / "b.jsonl", [counted(1, 5), counted(2, 6)])  # one application for all files
    command = (sys.executable, "-c", "from twiml_app.cli import main; main()", "replay", "--app", "conftest:make_app")

    result = pytester.run(*command, "recordings/a.jsonl", "recordings/b.jsonl")

    result.stdout.fnmatch_lines(["6 replayed, 0 different"])
