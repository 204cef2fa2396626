"""What contestants are sent, and what is checked before they are timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from benchmarks import echo_handlers
from benchmarks.answers import check_answers
from benchmarks.contestants import EXPRESS, FLASK, LIMIT, OFF, Contestant
from benchmarks.echo_text import TEXT
from benchmarks.plan import NotMeasured
from benchmarks.rivals import constant
from benchmarks.servers import environment
from benchmarks.signed_requests import CREDENTIALS, TOKEN, URL, new_form, signed_headers, write_requests
from twiml_app.app import build_app
from twiml_app.signature import HEADER, verify
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import Form


@contextmanager
def served(application: object) -> Iterator[int]:
    """Serve a WSGI application, and yield its port."""
    server = make_server("127.0.0.1", 0, application, threaded=True)  # type: ignore[arg-type]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_requests_are_signed_and_each_has_a_new_sid(tmp_path: Path) -> None:
    """A journal would answer a repeated sid from its store, which is another measurement."""
    requests = write_requests(tmp_path / "requests", 20)
    data = requests.path.read_bytes()
    sids = set()
    for place in range(20):
        head, _, body = data[place * requests.request_bytes :][: requests.request_bytes].partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
        form = Form.read(body.decode(), max_fields=100)
        sids.add(form.get("MessageSid"))

        assert verify(URL, form.pairs, headers[HEADER], [TOKEN])
        assert headers["Content-Length"] == str(len(body))
        assert len(form.pairs) == 22
        assert 600 <= len(body) <= 700
    assert len(data) == 20 * requests.request_bytes
    assert len(sids) == 20


def test_contestants_run_with_the_given_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of the shell would change what is measured, and a module that is compiled anew is not as installed."""
    monkeypatch.setenv("TWIML_LOOP_LIMIT", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    found = environment({"TWIML_DATABASE_URL": "off"})

    assert {name for name in found if name.startswith(("TWIML_", "PYTHONDONT"))} == {"TWIML_DATABASE_URL"}


def test_measured_application_echoes_with_a_signed_status_url(tmp_path: Path) -> None:
    """It is compared with views that answer the same, and its safeguards are on."""
    settings = {"TWIML_CREDENTIALS": CREDENTIALS, "TWILIO_AUTH_TOKEN": TOKEN, "TWIML_DATABASE_URL": "off"}
    app = build_app(settings, tmp_path, router=echo_handlers.router)
    form = new_form()
    answer = app.test_client().post(URL, data=form.encode(), headers=signed_headers(form))
    (message,) = MessagingResponse.parse(answer.data).messages

    assert message.text == TEXT
    assert message.status_callback is not None
    assert "/status?" in message.status_callback


def test_constant_answer_is_a_right_one() -> None:
    """Even the limit answers what is asked."""
    with served(constant.app) as port:
        check_answers(LIMIT, port)


@pytest.mark.parametrize(
    ("contestant", "problem"),
    [
        pytest.param(FLASK, "answered a forged X-Twilio-Signature with 200, not 403", id="signature"),
        pytest.param(OFF, "answered a forged Authorization with 200, not 401", id="credentials"),
    ],
)
def test_contestant_that_accepts_forged_requests_is_not_timed(contestant: Contestant, problem: str) -> None:
    """Leaving out a check is the easiest way to be fast."""
    with served(constant.app) as port, pytest.raises(NotMeasured, match=problem):
        check_answers(contestant, port)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Response("<Response/>"), id="no message"),
        pytest.param(Response("<Response><Message>another text</Message></Response>"), id="another text"),
        pytest.param(Response("Hello"), id="no document"),
        pytest.param(Response(f"<Response><Message>{TEXT}</Message></Response>", 500), id="an error"),
    ],
)
def test_contestant_with_a_wrong_answer_is_not_timed(answer: Response) -> None:
    """A fast wrong answer is worth nothing."""

    @Request.application
    def program(request: Request) -> Response:
        request.get_data()
        return answer

    with served(program) as port, pytest.raises(NotMeasured, match="gave a wrong answer"):
        check_answers(LIMIT, port)


def test_absence_of_node_is_the_reason_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other rows are measured without it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotMeasured, match="node is not installed"):
        EXPRESS.command(8000)
