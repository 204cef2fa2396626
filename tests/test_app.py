"""The application: WSGI requests as servers send them, with the real authentication and receiver."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, current_app, got_request_exception
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import run_wsgi_app

from tests.servers import ROOT
from tests.webhook_requests import ACCOUNT, AUTHORIZATION, BASIC, SID, SIGNED, TOKEN
from twiml_app import Alert, InboundMessage, Router, StatusCallback
from twiml_app.app import Twiml, collect_settings, create_app, state_of
from twiml_app.caller.forms import alert_form, inbound_form, status_form
from twiml_app.errors import ConfigurationError, RegistrationError
from twiml_app.project_routers import load_router
from twiml_app.signature import sign
from twiml_app.webhook import FORM_TYPE, Form

pytestmark = pytest.mark.usefixtures("dispatch")

OFF = {"TWIML_DATABASE_URL": "off"}
FORM = inbound_form("hello", message_sid=SID)
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
HELLO = b'<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>you said hello</Body></Message></Response>'


def make_router() -> Router:
    """Return a router with handlers that answer or fail."""
    router = Router()

    @router.message("fail")
    def fail(message: InboundMessage) -> str:
        raise ValueError("a bug")

    @router.message("abort")
    def aborting(message: InboundMessage) -> str:
        abort(404)

    @router.message("who")
    def who(message: InboundMessage) -> str:
        return current_app.import_name

    @router.default
    def echo(message: InboundMessage) -> str:
        return f"you said {message.body}"

    return router


def make_app(*parts: Mapping[str, Any], router: Router | None = None, url_prefix: str = "") -> Flask:
    """Return a Flask application with the extension, basic credentials and more settings."""
    app = Flask("bigger")
    for part in (BASIC, OFF, *parts):
        app.config.update(part)
    Twiml(app, router=router or make_router(), url_prefix=url_prefix)
    return app


@pytest.fixture
def client() -> FlaskClient:
    """A client of the application."""
    return make_app().test_client()


Answer = tuple[int, dict[str, str], bytes]


def serve(
    app: Any,
    target: str = "/message",
    *,
    path: str = "/message",
    method: str = "POST",
    body: bytes = FORM.encode().encode(),
    **environ: Any,
) -> Answer:
    """Call an application like a server that provides the raw target; return status, headers and body."""
    base: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": target.partition("?")[2],
        "RAW_URI": target,
        "SERVER_NAME": "0.0.0.0",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "sms.example.com",
        "HTTP_AUTHORIZATION": AUTHORIZATION["authorization"],
        "CONTENT_TYPE": FORM_TYPE,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environment = {name: value for name, value in (base | environ).items() if value is not None}
    chunks, status, headers = run_wsgi_app(app, environment, buffered=True)
    return int(status.split()[0]), dict(headers), b"".join(chunks)


def signature(url: str, form: Form = FORM) -> dict[str, Any]:
    """Return the WSGI variable of the signature over a URL."""
    return {"HTTP_X_TWILIO_SIGNATURE": sign(url, form.pairs, TOKEN)}


@pytest.mark.parametrize("path", ["/message", "/status", "/fallback"])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_request_without_credentials_gets_a_challenge(client: FlaskClient, path: str, method: str) -> None:
    """Without the realm, Twilio never sends its credentials."""
    answer = client.open(path, method=method, data=b"MessageSid=SM1")
    line = b"send the credentials of the Message URL\n"

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="twiml_app"'
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.data == (b"" if method == "HEAD" else line)
    assert answer.headers["Content-Length"] == str(len(line))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"{AUTHORIZATION['authorization']},{AUTHORIZATION['authorization']}", id="repeated"),
        pytest.param("Basic \xff\xfe", id="not ASCII"),
        pytest.param("Basic", id="malformed"),
        pytest.param("Basic " + "A" * 100_000, id="huge"),
        pytest.param("", id="empty"),
    ],
)
def test_invalid_authorization_is_refused(header: str) -> None:
    """Servers join repeated headers with a comma, and pass on any byte."""
    assert serve(make_app(), HTTP_AUTHORIZATION=header)[0] == 401


def test_message_is_answered_with_twiml(client: FlaskClient) -> None:
    """Twilio depends on the status, the content type and the length."""
    answer = client.post("/message", data=FORM.encode(), content_type=FORM_TYPE, headers=AUTHORIZATION)

    assert (answer.status_code, answer.data) == (200, HELLO)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(HELLO))


def test_webhooks_by_get_and_head_are_answered(client: FlaskClient) -> None:
    """A number may be configured to use GET, and monitoring uses HEAD."""
    assert client.get(f"/message?{FORM.encode()}", headers=AUTHORIZATION).data == HELLO
    answer = client.head(f"/message?{FORM.encode()}", headers=AUTHORIZATION)
    assert (answer.status_code, answer.data) == (200, b"")
    assert client.head("/status", headers=AUTHORIZATION).status_code == 204


def test_status_callback_is_answered_with_204_without_content(client: FlaskClient) -> None:
    """With a content type and no document, Twilio's debugger shows a warning per delivery."""
    answer = client.post("/status", data=dict(status_form(SID, "delivered")), headers=AUTHORIZATION)

    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    ("data", "content_type", "line"),
    [
        pytest.param(
            b"{}", "application/json", b"the content type is application/json: send application/x-www", id="JSON"
        ),
        pytest.param(
            b"--x--",
            "multipart/form-data; boundary=x",
            b"the content type is multipart/form-data: send",
            id="multipart",
        ),
        pytest.param(b"hello", FORM_TYPE, b"the body is not a form", id="not a form"),
    ],
)
def test_request_without_a_form_is_answered_with_one_plain_line(
    client: FlaskClient, data: bytes, content_type: str, line: bytes
) -> None:
    """An HTML page or a traceback does not help the sender."""
    answer = client.post("/message", data=data, content_type=content_type, headers=AUTHORIZATION)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.data.startswith(line)
    assert answer.data.count(b"\n") == 1


@pytest.mark.parametrize("terminated", [False, True], ids=["plain server", "server that terminates the input"])
def test_body_that_was_cut_off_is_refused_and_stores_no_answer(tmp_path: Path, terminated: bool) -> None:
    """The answer to half an order must not be stored for the retry with the whole one."""
    app = make_app({"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"})
    whole = FORM.encode().encode()
    cut: dict[str, Any] = {"wsgi.input": io.BytesIO(whole[:-9]), "wsgi.input_terminated": terminated}

    assert serve(app, **cut)[0] == 400
    assert serve(app)[0] == 200


class Broken(io.RawIOBase):
    """A body that its server cannot read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, _: Any) -> int:
        """Fail as the server does."""
        raise self.error


class InvalidChunkSize(Exception):
    """An error of a server's own."""


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(InvalidChunkSize("zz"), id="malformed chunk"),
        pytest.param(TimeoutError("timed out"), id="deadline"),
        pytest.param(ConnectionResetError(104, "Connection reset by peer"), id="reset"),
        pytest.param(ValueError("read of closed file"), id="closed"),
    ],
)
def test_body_that_cannot_be_read_is_the_fault_of_its_sender(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Every server has errors of its own; none of them is a failure of the application, or worth a traceback."""
    environ: dict[str, Any] = {"wsgi.input": Broken(error), "wsgi.input_terminated": True}
    answer = serve(make_app(), **environ)

    assert (answer[0], answer[2]) == (400, b"the body is cut off or malformed\n")
    reason = f'reason="the body cannot be read: {type(error).__name__}"'
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [
        (f"refused status=400 url=message {reason}", None)
    ]


@pytest.mark.parametrize("header", ["", "Basic c21zOndyb25n"], ids=["none", "wrong"])
def test_body_is_not_read_without_the_right_credentials(header: str) -> None:
    """A body that never arrives would hold a thread, and anybody could send one."""
    stream = Endless()
    environ: dict[str, Any] = {"wsgi.input": stream, "HTTP_AUTHORIZATION": header}

    assert serve(make_app(), **environ)[0] == 401
    assert stream.taken == 0


def test_body_is_read_where_only_signatures_are_configured() -> None:
    """A signature covers the body, so nothing can be checked before it is read."""
    stream = Endless()
    environ: dict[str, Any] = {"wsgi.input": stream, "CONTENT_LENGTH": "5000", "HTTP_AUTHORIZATION": None}
    app = make_app({"TWIML_CREDENTIALS": "", "TWIML_MAX_BODY_BYTES": 1000}, SIGNED)

    assert serve(app, **environ)[0] == 413
    assert stream.taken == 1001


class Dripping(io.BytesIO):
    """A body that arrives in small pieces."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return fewer bytes than requested."""
        return super().read(min(size or 0, 7))


def test_body_that_arrives_in_pieces_is_read_whole() -> None:
    """Servers may return fewer bytes than requested; half a form would be another message."""
    environ: dict[str, Any] = {"wsgi.input": Dripping(FORM.encode().encode())}

    assert serve(make_app(), **environ)[2] == HELLO


class Endless(io.RawIOBase):
    """An endless body that counts the bytes that are read."""

    taken = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Return as many bytes as requested."""
        self.taken += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"CONTENT_LENGTH": str(10**12)}, id="Content-Length"),
        pytest.param({"CONTENT_LENGTH": None, "wsgi.input_terminated": True}, id="chunked"),
    ],
)
def test_body_that_is_too_large_is_not_read_to_its_end(environ: dict[str, Any]) -> None:
    """Anybody could send a terabyte."""
    stream = Endless()
    answer = serve(make_app({"TWIML_MAX_BODY_BYTES": 1000}), **{"wsgi.input": stream, **environ})

    assert (answer[0], answer[2]) == (413, b"the body is larger than 1000 bytes\n")
    assert stream.taken <= 1001


@pytest.mark.parametrize(
    ("environ", "status", "line"),
    [
        pytest.param({"CONTENT_LENGTH": None}, 200, EMPTY, id="no length"),
        pytest.param({"CONTENT_LENGTH": "many"}, 200, EMPTY, id="length that is not a number"),
        pytest.param({"CONTENT_LENGTH": "²"}, 200, EMPTY, id="length that only looks like a number"),
        pytest.param({"CONTENT_LENGTH": "-5"}, 200, EMPTY, id="negative length"),
        pytest.param({"CONTENT_LENGTH": "99999"}, 400, b"the body is cut off or malformed\n", id="sender hangs up"),
    ],
)
def test_body_is_read_up_to_its_content_length(environ: dict[str, Any], status: int, line: bytes) -> None:
    """Reading further would block forever, and a truncated form would be another message."""
    answer = serve(make_app(), **environ)

    assert (answer[0], answer[2]) == (status, line)


@pytest.mark.parametrize(
    ("target", "environ"),
    [
        pytest.param("/message?a=%2c&b='+x", {}, id="unusual query"),
        pytest.param("/m%65ssage", {}, id="unusual path"),
        pytest.param("/message?q=caf\xc3\xa9", {"url": "/message?q=café"}, id="bytes that are UTF-8"),
        pytest.param("/message?q=caf\xe9", {"url": "/message?q=caf\udce9"}, id="bytes that are not UTF-8"),
        pytest.param("http://sms.example.com/message?a=1", {"url": "/message?a=1"}, id="absolute form"),
        pytest.param("", {"url": "/message?a=1", "REQUEST_URI": "/message?a=1"}, id="target under another name"),
        pytest.param("", {"url": "/message?a=%2c", "QUERY_STRING": "a=%2c"}, id="server without the raw target"),
    ],
)
def test_signature_is_verified_over_the_raw_target(target: str, environ: dict[str, Any]) -> None:
    """A target that was decoded and re-encoded may differ from the URL that Twilio signed."""
    own = dict(environ)
    url = "https://sms.example.com" + own.pop("url", target)
    app = make_app(SIGNED)

    assert serve(app, target, **signature(url), **own)[0] == 200
    assert serve(app, target, **signature(url + "x"), **own)[0] == 403


def test_host_of_the_server_replaces_a_missing_host_header() -> None:
    """HTTP/1.0 does not require one."""
    assert serve(make_app(SIGNED), HTTP_HOST=None, **signature("https://0.0.0.0:8000/message"))[0] == 200


def test_prefix_of_the_extension_is_part_of_every_url() -> None:
    """In a bigger application, the webhooks have their own path."""
    router = make_router()
    router.status("delivered")(repr)
    app = make_app(SIGNED, router=router, url_prefix="/sms/")
    status, _, document = serve(
        app, "/sms/message", path="/sms/message", **signature("https://sms.example.com/sms/message")
    )

    assert status == 200
    assert b'action="https://sms.example.com/sms/status?in_reply_to=' in document
    assert serve(app)[0] == 404


def test_mount_point_is_part_of_every_url() -> None:
    """Behind a dispatcher the application sees only a part of the path, but Twilio signs all of it."""
    router = make_router()
    router.status("delivered")(repr)
    mounted = DispatcherMiddleware(make_app(SIGNED, router=router), {"/apps/sms": make_app(SIGNED, router=router)})
    url = "https://sms.example.com/apps/sms/message"
    status, _, document = serve(mounted, "/apps/sms/message", path="/apps/sms/message", **signature(url))

    assert status == 200
    assert b'action="https://sms.example.com/apps/sms/status?in_reply_to=' in document


def test_only_trusted_proxies_may_set_scheme_and_host() -> None:
    """Anybody who could set them would choose the URL that is verified."""
    forwarded: dict[str, Any] = {
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "10.0.0.5:8000",
        "HTTP_X_FORWARDED_PROTO": "https",
    }
    forwarded |= {"HTTP_X_FORWARDED_HOST": "sms.example.com", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}
    signed = signature("https://sms.example.com/message")

    assert serve(make_app(SIGNED, {"TWIML_PROXY_HOPS": 1}), **forwarded, **signed)[0] == 200
    assert serve(make_app(SIGNED), **forwarded, **signed)[0] == 403


def test_signature_is_verified_over_the_public_url() -> None:
    """A public URL needs no trust in any header."""
    app = make_app(SIGNED, {"TWIML_PUBLIC_URL": "https://public.example/x"})

    assert serve(app, **signature("https://public.example/x/message"))[0] == 200
    assert serve(app, **signature("https://sms.example.com/message"))[0] == 403


@pytest.mark.parametrize(
    ("path", "text", "status"),
    [
        pytest.param("/message", "fail", 500, id="message handler"),
        pytest.param("/status", "", 204, id="status handler"),
    ],
)
def test_exception_of_a_handler_is_sent_as_flasks_signal(path: str, text: str, status: int) -> None:
    """Error trackers for Flask listen to it."""
    router = make_router()

    @router.status("delivered")
    def delivered(callback: StatusCallback) -> None:
        raise ValueError("a bug")

    app, received = make_app(router=router), list[tuple[Any, str]]()

    def listen(sender: Any, exception: Exception, **_: Any) -> None:
        received.append((sender, str(exception)))

    form = inbound_form(text) if text else status_form(SID, "delivered")
    with got_request_exception.connected_to(listen, app):
        answer = serve(app, path, path=path, body=form.encode().encode())

    assert answer[0] == status
    assert received == [(app, "a bug")]


@pytest.mark.parametrize("text", ["fail", "abort"])
def test_answer_of_a_failing_handler_shows_no_traceback(text: str) -> None:
    """This holds in debug mode too: the answer goes to somebody else."""
    app = make_app({"DEBUG": True, "TESTING": True, "PROPAGATE_EXCEPTIONS": True})
    status, headers, body = serve(app, body=inbound_form(text).encode().encode())

    assert (status, body) == (500, b"the handler failed\n")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


def test_handler_runs_in_the_context_of_its_application() -> None:
    """Handlers can use the templates, configuration and database of a bigger application."""
    assert b">bigger<" in serve(make_app(), body=inbound_form("who").encode().encode())[2]


@pytest.mark.parametrize("debug", [True, False])
def test_no_setting_of_flask_disables_a_check(debug: bool) -> None:
    """A check that runs only in production would never be tested."""
    app = make_app(SIGNED, {"DEBUG": debug, "TESTING": debug})

    assert serve(app, HTTP_AUTHORIZATION=None)[0] == 401
    assert serve(app)[0] == 403
    assert serve(app, **signature("https://sms.example.com/message"))[0] == 200


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with handlers and a template."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.txt").write_text("Today:\n{% for each in 'ab' %}\n  - {{ each }} <&>\n{% endfor %}\n")
    (tmp_path / "project_handlers.py").write_text(
        "from flask import render_template\n"
        "from twiml_app import Router\n"
        "router = Router()\n"
        "router.default(lambda message: render_template('a.txt'))\n"
        "routers = [router]\n"
    )
    return tmp_path


def test_project_is_served_from_its_folder(project: Path) -> None:
    """Handlers, templates and the journal belong to the project, wherever it is started from."""
    app = create_app(BASIC | {"TWIML_HANDLERS": "project_handlers"}, root=project)
    answer = serve(app)

    assert answer[2] == (
        b'<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>Today:\n'
        b"  - a &lt;&amp;&gt;\n  - b &lt;&amp;&gt;\n</Body></Message></Response>"
    )
    assert serve(app) == answer
    assert (project / "instance" / "twiml.db").is_file()
    assert state_of(app).settings.handlers == "project_handlers"


@pytest.mark.parametrize(
    ("path", "method", "status", "line"),
    [
        pytest.param("/", "GET", 404, b"404 Not Found\n", id="path"),
        pytest.param("/message", "PUT", 405, b"405 Method Not Allowed\n", id="method"),
        pytest.param("/boom", "GET", 500, b"500 Internal Server Error\n", id="bug elsewhere"),
    ],
)
def test_errors_of_flask_are_answered_with_one_plain_line_too(
    project: Path, path: str, method: str, status: int, line: bytes
) -> None:
    """An HTML page is not a useful answer to a machine."""
    app = create_app(BASIC | OFF | {"TWIML_HANDLERS": "project_handlers"}, root=project)

    @app.get("/boom")
    def boom() -> str:
        raise ValueError("a bug")

    answer = app.test_client().open(path, method=method)

    assert (answer.status_code, answer.data) == (status, line)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert set(answer.headers.get("Allow", "").split(", ")) == (
        {"GET", "HEAD", "OPTIONS", "POST"} if status == 405 else {""}
    )


def test_health_checks_need_no_authentication(client: FlaskClient) -> None:
    """Load balancers do not have the password."""
    for path, line in [("/healthz", b"ok\n"), ("/readyz", b"ready\n")]:
        assert (client.get(path).status_code, client.get(path).data) == (200, line)
        assert client.head(path).status_code == 200


def test_application_without_its_journal_is_not_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A load balancer must send messages elsewhere, and the cause must not be public."""
    (tmp_path / "file").touch()
    app = make_app({"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/file/twiml.db"})

    for path, line in [("/readyz", b"not ready\n"), ("/message", b"the journal cannot be reached\n")]:
        answer = serve(app, path, path=path, method="GET" if path == "/readyz" else "POST")
        assert (answer[0], answer[2]) == (503, line)
    assert "not ready problem=" in caplog.text


@pytest.mark.parametrize(
    ("host", "status"), [pytest.param("[", 400, id="broken address"), pytest.param("a b", 400, id="no host name")]
)
def test_invalid_host_is_refused_and_stored_like_any_refusal(tmp_path: Path, host: str, status: int) -> None:
    """Before the signature is verified anybody could have sent it, and the journal must be able to store it."""
    app = make_app({"TWIML_CREDENTIALS": "", "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}, SIGNED)
    answer = serve(app, HTTP_HOST=host)

    assert (answer[0], answer[2].count(b"\n")) == (status, 1)


def test_repeated_message_is_answered_once(tmp_path: Path) -> None:
    """Twilio retries and carriers repeat messages, but an order must be taken once."""
    router, orders = Router(), list[str]()

    @router.default
    def order(message: InboundMessage) -> str:
        orders.append(message.body)
        return f"order {len(orders)}"

    app = make_app({"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}, router=router)

    assert serve(app) == serve(app)
    assert orders == ["hello"]


def test_extension_can_be_initialized_later() -> None:
    """Application factories need this."""
    app = Flask("bigger")
    app.config.update(BASIC | OFF)
    twiml = Twiml(url_prefix="/other")
    twiml.init_app(app, router=make_router(), url_prefix="/sms")

    assert serve(app, "/sms/message", path="/sms/message")[2] == HELLO
    assert state_of(app).url_prefix == "/sms"
    assert [route.source for route in state_of(app).router.routes] == ['"fail"', '"abort"', '"who"', "(default)"]


def test_application_without_the_extension_is_refused_with_advice() -> None:
    """The phone and the command line accept any Flask application."""
    with pytest.raises(ConfigurationError, match=r"call Twiml\(app\)"):
        state_of(Flask("other"))


def test_application_without_authentication_does_not_start() -> None:
    """It must fail closed, and an empty setting counts as not set."""
    app = Flask("open")
    app.config.update(OFF | {"TWIML_CREDENTIALS": " ", "TWILIO_AUTH_TOKEN": ""})

    with pytest.raises(ConfigurationError, match="no authentication is configured"):
        Twiml(app, router=make_router())


def test_handlers_cannot_be_registered_after_the_first_request() -> None:
    """A registration in a view would work in one worker only."""
    router = make_router()
    serve(make_app(router=router))

    with pytest.raises(RegistrationError, match="after the first request"):
        router.status("sent")(repr)


def test_configuration_of_the_application_overrides_the_environment() -> None:
    """A test must not depend on the variables that a developer's shell exports."""
    collected = collect_settings(
        {
            "TWIML_APOLOGY": "Sorry",
            "TWIML_ODD": "x",
            "SECRET_KEY": None,
            "TWILIO_AUTH_TOKEN": "t",
            "DEBUG": True,
            "PATH": 1,
        }
    )

    assert collected["TWIML_APOLOGY"] == "Sorry"
    assert collected["TWIML_ODD"] == "x"
    assert collected["TWILIO_AUTH_TOKEN"] == "t"
    assert isinstance(collected["PATH"], str)
    assert not {"DEBUG", "SECRET_KEY"} & collected.keys()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param("", "has no list of routers", id="none"),
        pytest.param("routers = []", "has no list of routers", id="empty"),
        pytest.param("routers = [1]", "hold a int: list routers", id="something else"),
        pytest.param(
            "from twiml_app import Router\nrouters = Router()", "has no list of routers", id="router instead of a list"
        ),
        pytest.param("routers = None", "has no list of routers", id="None"),
    ],
)
def test_handlers_that_list_no_routers_are_refused(
    tmp_path: Path, request: pytest.FixtureRequest, source: str, problem: str
) -> None:
    """The error says what to write, as the name is easily forgotten."""
    name = "handlers_" + request.node.callspec.id.replace(" ", "_")
    (tmp_path / f"{name}.py").write_text(source)

    with pytest.raises(ConfigurationError, match=problem) as refused:
        load_router(name, tmp_path)
    assert refused.value.setting == "TWIML_HANDLERS"


def test_missing_handlers_and_a_missing_import_in_them_are_different_errors(tmp_path: Path) -> None:
    """A package that is not installed must not look like a wrong setting."""
    with pytest.raises(ConfigurationError, match=f"there is no module no_such_handlers in {tmp_path}"):
        load_router("no_such_handlers", tmp_path)
    (tmp_path / "importing_handlers.py").write_text("import no_such_package\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_router("importing_handlers", tmp_path)


def test_risky_settings_are_logged_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """They are logged once, before the first message, as warnings."""
    router = Router()
    router.message("cancel")(repr)
    make_app({"TWIML_CREDENTIALS": "sms:short", "TWIML_APOLOGIE": "x"}, router=router)
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    assert warned == [
        "TWIML_CREDENTIALS: the password of sms is shorter than 12 characters",
        "TWIML_APOLOGIE is not a known setting: did you mean TWIML_APOLOGY?",
        'the pattern "cancel" is an opt-out word: Twilio answers it itself and the handler never runs, unless'
        " TWIML_OPT_OUT_NUMBERS names the number (builtins.repr)",
    ]


# A bigger application shows its own page for a host that Flask refuses before it looks at the path.
APP = create_app(BASIC | OFF, root=ROOT)
SIGNING_APP = create_app({"TWIML_CREDENTIALS": ""} | OFF | SIGNED, root=ROOT)
WRONG_AND_CUT_OFF = {"HTTP_AUTHORIZATION": "", "CONTENT_LENGTH": "1"}
wire = st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
pieces = st.sampled_from(["Body=", "From=", "MessageStatus=", "&", "%", "+", "=", "CallSid=", f"AccountSid={ACCOUNT}"])


@given(
    app=st.sampled_from([APP, SIGNING_APP]),
    path=st.sampled_from(["/message", "/status", "/fallback"]),
    method=st.sampled_from(["POST", "GET", "HEAD"]),
    query=st.lists(pieces | wire, max_size=6).map("".join),
    body=st.lists(pieces.map(str.encode) | st.binary(max_size=20), max_size=8).map(b"".join),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "HTTP_AUTHORIZATION",
                "HTTP_HOST",
                "CONTENT_TYPE",
                "CONTENT_LENGTH",
                "HTTP_X_TWILIO_SIGNATURE",
                "HTTP_COOKIE",
                "HTTP_X_FORWARDED_HOST",
                "HTTP_X_FORWARDED_PREFIX",
                "HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS",
            ]
        ),
        wire | st.sampled_from(["[", "a b", "key=k,algorithm=HMAC_SHA256"]),
    ),
)
@example(app=APP, path="/message", method="POST", query="", body=b"", headers=WRONG_AND_CUT_OFF)
@example(app=SIGNING_APP, path="/message", method="POST", query="", body=b"", headers=WRONG_AND_CUT_OFF)
@example(app=APP, path="/message", method="POST", query="", body=b"", headers={"HTTP_HOST": "."})
@settings(max_examples=200)
def test_no_request_causes_a_server_error(
    app: Flask, path: str, method: str, query: str, body: bytes, headers: dict[str, str]
) -> None:
    """Every request must be answered, or refused as the sender's mistake."""
    status, answer_headers, answer = serve(app, f"{path}?{query}", path=path, method=method, body=body, **headers)

    assert status in (200, 204, 400, 401, 403, 413)
    assert status < 400 or method == "HEAD" or answer.count(b"\n") == 1
    assert status != 401 or answer_headers["WWW-Authenticate"] == 'Basic realm="twiml_app"'
    is_wrong = app is APP and headers.get("HTTP_AUTHORIZATION") is not None
    assert status in ((400, 401) if is_wrong else (200, 204, 400, 403, 413))  # 400: Flask looks at the host first


@pytest.mark.parametrize("host", [".", "a..b"])
def test_broken_host_is_refused_in_one_line(host: str) -> None:
    """Flask refuses such a host before it looks at the path, and its own page is HTML."""
    app = create_app({**BASIC, **OFF, "TWIML_HANDLERS": "handlers"}, root=ROOT)
    status, _, answer = serve(app, "/message", path="/message", HTTP_HOST=host)

    assert (status, answer) == (400, b"400 Bad Request\n")


TRUSTED = {"TRUSTED_HOSTS": ["sms.example.com", ".trusted.example"]}


@pytest.mark.parametrize("path", ["/message", "/status", "/fallback", "/healthz", "/readyz"])
@pytest.mark.parametrize("prefix", ["", "/sms"])
def test_host_that_is_not_trusted_gets_one_plain_line(prefix: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Without a public URL, the status URLs in a reply would lead to a host of the sender's choice."""
    app = make_app(TRUSTED, url_prefix=prefix)
    called: dict[str, Any] = {"method": "GET", "path": prefix + path, "HTTP_HOST": "evil.example"}
    status, headers, body = serve(app, prefix + path, **called)

    assert (status, body) == (400, b"the host is not served here\n")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "the host evil.example is not in TRUSTED_HOSTS" in caplog.text
    for host in ("sms.example.com", "sms.example.com:8443", "a.trusted.example"):
        assert serve(app, prefix + path, **called | {"HTTP_HOST": host})[0] in (200, 204)


def test_reply_to_a_host_that_is_not_trusted_has_no_status_url() -> None:
    """Twilio would report deliveries to that host, with a token."""
    router = make_router()
    router.status("delivered")(repr)

    assert b"//evil.example/status" in serve(make_app(router=router), HTTP_HOST="evil.example")[2]
    assert b"evil.example" not in serve(make_app(TRUSTED, router=router), HTTP_HOST="evil.example")[2]


def test_trusted_host_is_the_one_that_the_proxy_was_called_by() -> None:
    """Behind a trusted proxy, the Host header names a machine inside the network."""
    app = make_app(TRUSTED, {"TWIML_PROXY_HOPS": 1})

    assert serve(app, HTTP_HOST="10.0.0.5:8000", HTTP_X_FORWARDED_HOST="sms.example.com")[0] == 200
    assert serve(app, HTTP_HOST="sms.example.com", HTTP_X_FORWARDED_HOST="evil.example")[0] == 400


def test_other_paths_of_the_application_keep_their_error_page() -> None:
    """The extension answers only for its own URLs."""
    app = make_app(TRUSTED)
    app.get("/page")(lambda: "page")
    called: dict[str, Any] = {"method": "GET", "path": "/page"}

    assert serve(app, "/page", **called)[2] == b"page"
    assert b"the host is not served here" not in serve(app, "/page", **called, HTTP_HOST="evil.example")[2]


def test_alert_is_handled_at_its_own_url() -> None:
    """It has the paths, the prefix and the authentication of the other webhooks."""
    router, received = Router(), list[Alert]()
    router.alert(received.append)
    client = make_app({"TWIML_ALERT_PATH": "/problems"}, router=router, url_prefix="/sms").test_client()
    form = dict(alert_form(11200).items())

    answers = [client.post("/sms/problems", data=form, headers=headers) for headers in ({}, AUTHORIZATION)]

    assert [(answer.status_code, answer.data) for answer in answers][1] == (204, b"")
    assert answers[0].status_code == 401
    assert [alert.error_code for alert in received] == [11200]
