"""Health checks from a thread: what they answer, and that nothing holds them up."""

from __future__ import annotations

import http.client
import select
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.fuzz.wire import BASIC, authorized_message, exchange, served, statuses
from tests.receiver.programs import Memory, Program
from tests.servers import LIMIT_S, ROOT, free_port
from tests.test_app import make_app
from twiml_app.app import serve_health
from twiml_app.caller.forms import inbound_form
from twiml_app.errors import ConfigurationError, JournalUnavailable
from twiml_app.health import HealthServer, health_answers

LOOPBACK = ("127.0.0.1", 0)
#: The threads of each worker.
THREADS = 8
ANSWERS = health_answers(Program().receiver())


class Broken(Memory):
    """A journal that cannot be written to."""

    def check(self) -> None:
        """Fail."""
        raise JournalUnavailable("the disk is full")


@pytest.fixture
def server() -> Iterator[HealthServer]:
    """A server without a journal, on a free port."""
    with closing(HealthServer(LOOPBACK, ANSWERS)) as started:
        started.start()
        yield started


def get(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Return status and body of a health check."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    with closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        pytest.param("GET", "/healthz", 200, b"ok\n", id="alive"),
        pytest.param("GET", "/readyz", 200, b"ready\n", id="ready"),
        pytest.param("GET", "/readyz?verbose", 200, b"ready\n", id="query"),
        pytest.param("HEAD", "/readyz", 200, b"", id="HEAD"),
        pytest.param("GET", "/message", 404, b"the paths are /healthz and /readyz\n", id="another path"),
        pytest.param("POST", "/healthz", 405, b"the methods are GET and HEAD\n", id="another method"),
    ],
)
def test_only_health_checks_are_answered(
    server: HealthServer, method: str, path: str, status: int, body: bytes
) -> None:
    """Nothing else of the application is reachable there, and it needs no password."""
    assert get(server.port, path, method) == (status, body)


def test_journal_that_cannot_be_written_to_is_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is for the operator; the process is alive all the same."""
    with closing(HealthServer(LOOPBACK, health_answers(Program().receiver(journal=Broken())))) as server:
        server.start()

        assert get(server.port, "/readyz") == (503, b"not ready\n")
        assert get(server.port, "/healthz") == (200, b"ok\n")
    assert "the disk is full" in caplog.text


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /healthz", id="half a line"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", id="no end"),
        pytest.param(b"\x16\x03\x01\x02\r\n\r\n", id="TLS"),
        pytest.param(b"GET http://x/healthz HTTP/1.1\r\n\r\n", id="absolute"),
        pytest.param(b"G" * 100_000, id="endless"),
    ],
)
def test_anything_else_is_answered_with_one_line(server: HealthServer, raw: bytes) -> None:
    """Whatever connects must not stop the thread."""
    received = exchange(server.port, raw)

    assert received == b"" or received.startswith(b"HTTP/1.1 400 ")
    assert get(server.port, "/healthz")[0] == 200


def test_connections_that_send_nothing_hold_up_no_check_for_long(server: HealthServer) -> None:
    """Each has two seconds for its request."""
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))

        assert get(server.port, "/healthz")[0] == 200


def test_several_workers_listen_on_one_address(server: HealthServer) -> None:
    """Every worker has the same setting."""
    with closing(HealthServer(("127.0.0.1", server.port), ANSWERS)) as other:
        other.start()

        assert [get(server.port, "/healthz")[0] for _ in range(20)] == [200] * 20


def test_address_that_is_taken_is_named() -> None:
    """A supervisor shows the line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
        with pytest.raises(ConfigurationError, match=rf"TWIML_HEALTH_BIND: cannot listen on 127.0.0.1:{address[1]}: "):
            HealthServer(address, ANSWERS)


def test_application_serves_them_on_the_configured_address() -> None:
    """``gunicorn.conf.py`` calls this in each worker."""
    port = free_port()
    serve_health(make_app({"TWIML_HEALTH_BIND": f"127.0.0.1:{port}"}))

    assert get(port, "/readyz") == (200, b"ready\n")


def test_nothing_listens_without_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody asked for is a surprise."""
    started: list[HealthServer] = []
    monkeypatch.setattr(HealthServer, "start", lambda server: started.append(server))

    serve_health(make_app())
    serve_health(object())

    assert started == []


def test_problem_is_logged_and_messages_are_served(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Probes are less important than messages."""
    monkeypatch.setenv("TWIML_HEALTH_BIND", "127.0.0.1:8001")
    serve_health(object())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serve_health(make_app({"TWIML_HEALTH_BIND": f"127.0.0.1:{taken.getsockname()[1]}"}))

    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert caplog.messages[0].startswith("TWIML_HEALTH_BIND: gunicorn serves no Flask application")


BUSY = """
import time
from pathlib import Path
from twiml_app import InboundMessage, Router

router = Router()


@router.default
def wait(message: InboundMessage) -> str:
    Path(message.body).touch()
    while not Path("go").exists():
        time.sleep(0.02)
    return "done"


routers = [router]
"""


def send(port: int, name: str) -> bytes:
    """Send a message whose handler creates a file of that name, and return the answer."""
    form = inbound_form(name).encode().encode()
    return exchange(port, authorized_message(b"Content-Length: %d" % len(form), form))


@pytest.mark.slow
def test_checks_are_answered_while_handlers_hold_all_threads(tmp_path: Path) -> None:
    """An orchestrator that gets no answer kills a worker that is only busy."""
    port = free_port()
    (tmp_path / "busy.py").write_text(BUSY)
    (tmp_path / "wsgi.py").write_text((ROOT / "wsgi.py").read_text())
    settings = BASIC | {"TWIML_HANDLERS": "busy", "TWIML_HEALTH_BIND": f"127.0.0.1:{port}"}
    with (
        served(tmp_path, settings=settings, project=tmp_path) as app,
        ThreadPoolExecutor(2 * THREADS) as senders,
    ):
        names = [f"m{number}" for number in range(2 * THREADS)]
        answers = [senders.submit(send, app.port, name) for name in names]
        wait_until(lambda: len(list(tmp_path.glob("m*"))) == THREADS)
        with socket.create_connection(("127.0.0.1", app.port)) as waiting:
            waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            checks = [get(port, path) for _ in range(10) for path in ("/healthz", "/readyz")]
            unanswered = select.select([waiting], [], [], 0)[0] == []
            (tmp_path / "go").touch()
            seen = [statuses(answer.result(LIMIT_S)) for answer in answers]

    assert checks == [(200, b"ok\n"), (200, b"ready\n")] * 10
    assert unanswered, "the threads were not all busy, so this shows nothing"
    assert seen == [[200]] * len(names)
    with pytest.raises(ConnectionRefusedError):
        get(port, "/healthz")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)
