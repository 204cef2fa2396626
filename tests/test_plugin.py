"""The pytest plugin, in separate pytest runs: the phone, and recordings as tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.file_modes import mode_of
from tests.recorded import exchange
from twiml_app.caller.forms import alert_form, inbound_form
from twiml_app.recordings.format import read_file, write_file

pytestmark = pytest.mark.slow

HANDLERS = """
from twiml_app import InboundMessage, Message, Router, StatusCallback

router = Router()
seen = []

@router.message("menu")
def menu(message: InboundMessage) -> str:
    return "Tea or coffee?"

@router.default
def other(message: InboundMessage) -> Message | str:
    return f"{len(message.media)} pictures, replayed: {message.replayed}"

@router.status("failed")
def failed(status: StatusCallback) -> None:
    seen.append((status.message_sid, status.error_code))

routers = [router]
"""

CONFTEST = """
import pytest
from flask import Flask
from handlers import router
from twiml_app import Router
from twiml_app.app import Twiml

@pytest.fixture(scope="{scope}")
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(
        TWIML_CREDENTIALS="sms:quite-long-enough", TWILIO_AUTH_TOKEN="0" * 32, TWIML_DATABASE_URL="off"
    )
    Twiml(app, router=Router(router), url_prefix="/sms")
    return app
"""

PHONE_TESTS = """
import handlers
import pytest
from twiml_app.errors import CallError

def test_phone(phone):
    assert phone.text("menu").texts == ["Tea or coffee?"]
    assert phone.image("https://e.com/a.png").texts == ["1 pictures, replayed: False"]
    assert phone.status("SM1", "failed", error_code=30005).status == 204
    assert handlers.seen == [("SM1", 30005)]

def test_authentication_is_on(phone, {fixture}):
    {application}
    assert client.post("{path}", data={{"Body": "menu"}}).status_code == 401
"""


MENU = exchange("menu", "Tea or coffee?")
OLD = exchange("menu", "Tea")
OTHER = exchange("a::b\x1b[31m\n[x] \u00e9", "0 pictures, replayed: True")


@pytest.fixture
def recordings(pytester: pytest.Pytester) -> Path:
    """A project with handlers, and the folder of its recordings."""
    pytester.makepyfile(handlers=HANDLERS)
    pytester.makeini("[pytest]\ntwiml_recordings = tests/recordings/*.jsonl\npythonpath = .\nfilterwarnings = error\n")
    folder = pytester.mkdir("tests") / "recordings"
    folder.mkdir()
    return folder


def add_app(pytester: pytest.Pytester, scope: str = "function") -> None:
    """Give the project its own ``app`` fixture."""
    pytester.makeconftest(CONFTEST.format(scope=scope))


def test_phone_texts_the_application_of_the_project(pytester: pytest.Pytester, recordings: Path) -> None:
    """No fixture is needed at first: the run uses generated credentials and checks them."""
    pytester.makepyfile(
        PHONE_TESTS.format(
            fixture="tmp_path",
            path="/message",
            application="from twiml_app.app import create_app\n"
            "    settings = {'TWIML_CREDENTIALS': 'a:b', 'TWIML_DATABASE_URL': 'off'}\n"
            "    client = create_app(settings).test_client()",
        )
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)
    assert not (pytester.path / "instance").exists()


def test_phone_texts_the_users_own_application(pytester: pytest.Pytester, recordings: Path) -> None:
    """Signature, credentials and prefix are those of the ``app`` fixture."""
    add_app(pytester)
    pytester.makepyfile(
        PHONE_TESTS.format(fixture="app", path="/sms/message", application="client = app.test_client()")
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.parametrize("scope", ["function", "module", "session"])
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "in parallel"])
def test_every_recorded_exchange_is_a_test(
    pytester: pytest.Pytester, recordings: Path, scope: str, options: tuple[str, ...]
) -> None:
    """One ini setting is enough; test names may contain any text."""
    add_app(pytester, scope)
    write_file(recordings / "a.jsonl", [MENU, OLD, OTHER])
    write_file(recordings / "b.jsonl", [MENU])

    result = pytester.runpytest_subprocess(*options)

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "handlers.menu answered differently from the recording:",
            "*-     Tea",
            "*+     Tea or coffee?*",
            "FAILED *a:2 menu*",
        ]
    )


def test_exchange_is_named_by_its_text_or_status(pytester: pytest.Pytester, recordings: Path) -> None:
    """A name can be typed after -k, and the index makes it unique."""
    status = replace(MENU, kind="status", form=inbound_form(fields={"MessageStatus": "failed"}))
    alert = replace(MENU, kind="alert", endpoint="alert", form=alert_form(11200))
    write_file(recordings / "a.jsonl", [MENU, OTHER, status, alert])

    result = pytester.runpytest_subprocess("--collect-only", "-q")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "tests/recordings/a.jsonl::a:1 menu",
            "tests/recordings/a.jsonl::a:2 a:b [[]31m [[]x[]] \u00e9",
            "tests/recordings/a.jsonl::a:3 failed",
            "tests/recordings/a.jsonl::a:4 ERROR",
        ]
    )


def test_marked_test_runs_for_each_exchange(pytester: pytest.Pytester, recordings: Path) -> None:
    """With a marker, the test can prepare data for the handlers."""
    (pytester.path / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = --strict-markers\n")
    write_file(recordings / "a.jsonl", [MENU, OLD])
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.twiml_recordings("tests/recordings/*.jsonl", "tests/recordings/a.*")
        def test_recorded(recorded_exchange):
            recorded_exchange()
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1, failed=1)


def test_recorded_exchange_without_the_marker_is_an_error(pytester: pytest.Pytester, recordings: Path) -> None:
    """It would be skipped silently, and take the other recordings of the run with it."""
    (pytester.path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    pytester.makepyfile("def test_replay(recorded_exchange):\n    recorded_exchange()\n")

    result = pytester.runpytest_subprocess()

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*uses recorded_exchange: add @pytest.mark.twiml_recordings*"])


def test_marker_that_names_no_recording_is_an_error(pytester: pytest.Pytester, recordings: Path) -> None:
    """A misspelled path must not turn the tests off silently."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.twiml_recordings("test/*.jsonl")
        def test_recorded(recorded_exchange):
            recorded_exchange()
        """
    )

    result = pytester.runpytest_subprocess()

    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*no recorded exchange in test/*.jsonl, relative to *"])


def test_error_names_the_broken_line(pytester: pytest.Pytester, recordings: Path) -> None:
    """File and line are enough to fix it; frames of the plugin are not needed."""
    (recordings / "a.jsonl").write_text("{}\n")

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*recordings/a.jsonl:1: not a recorded exchange (KeyError('schema'))"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("options", [(), ("-n", "3")], ids=["one process", "in parallel"])
def test_new_answers_are_accepted(pytester: pytest.Pytester, recordings: Path, options: tuple[str, ...]) -> None:
    """Workers write to the same file: no change may get lost, no other file may remain, and the mode stays."""
    add_app(pytester)
    write_file(recordings / "a.jsonl", [OLD, OTHER, *[OLD] * 10])
    (recordings / "a.jsonl").chmod(0o664)

    pytester.runpytest_subprocess("--twiml-update", *options).assert_outcomes(passed=12)

    bodies = [each.answer.body.count(b"Tea or coffee?") for each in read_file(recordings / "a.jsonl")]
    assert bodies == [1, 0, *[1] * 10]
    assert [(path.name, mode_of(path)) for path in recordings.iterdir()] == [("a.jsonl", 0o664)]
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=12)


def test_plugin_imports_nothing_for_other_projects(pytester: pytest.Pytester) -> None:
    """pytest loads the plugin in every run where the package is installed, so it must be cheap."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            assert not {"flask", "sqlite3", "twiml_app.testing"} & set(sys.modules)
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)
