"""The short way past Flask's dispatch: nobody notices it, and whoever would notice gets the dispatch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    after_this_request,
    g,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
    url_for,
)
from flask.sessions import NullSession, SecureCookieSessionInterface, SessionInterface
from flask.typing import ResponseReturnValue
from hypothesis import example, given
from hypothesis import strategies as st

from tests.webhook_requests import AUTHORIZATION, BASIC
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml, state_of
from twiml_app.caller.forms import inbound_form

BODY = inbound_form("hello").encode()
Seen = list[str]


def make_app(
    handler: Callable[[InboundMessage], Any] = lambda message: message.body, app: Flask | None = None
) -> Flask:
    """Return an application with one handler."""
    made = app or Flask("bigger")
    made.config.update(BASIC, TWIML_DATABASE_URL="off", SECRET_KEY="a-key-of-the-application")
    router = Router()
    router.default(handler)
    Twiml(made, router=router)
    return made


def post(app: Flask, *, cookie: str = "", **options: Any) -> Any:
    """Send a message."""
    options = {"method": "POST", "data": BODY, "content_type": "application/x-www-form-urlencoded"} | options
    headers = {**AUTHORIZATION, **({"Cookie": cookie} if cookie else {})}
    return app.test_client(use_cookies=False).open("/message", headers=headers, **options)


def by_dispatch(app: Flask, **options: Any) -> Any:
    """Send a message while somebody listens to a signal of Flask's dispatch."""
    with request_started.connected_to(lambda *_args, **_kwargs: None, app):
        return post(app, **options)


def whole(answer: Any) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return status, headers and body of an answer."""
    return answer.status, list(answer.headers), answer.data


def dispatches(app: Flask) -> Seen:
    """Note each call of Flask's dispatch, which is then still taken for Flask's own."""
    seen: Seen = []
    wsgi_app = app.wsgi_app
    while not isinstance(getattr(wsgi_app, "__self__", None), Flask):
        wrapper, wsgi_app = wsgi_app, wsgi_app._wsgi_app  # type: ignore[attr-defined]

    def noting(environ: Any, start_response: Any) -> Iterable[bytes]:
        seen.append(environ["PATH_INFO"])
        return wsgi_app(environ, start_response)

    wrapper._wsgi_app = noting  # type: ignore[attr-defined]
    return seen


def test_message_does_not_go_through_the_dispatch() -> None:
    """It would take as long as the answer itself."""
    app = make_app()
    seen = dispatches(app)

    assert post(app).status_code == 200
    assert seen == []


def describe_context(message: InboundMessage) -> str:
    """Return what a handler sees of Flask."""
    g.sender = message.from_
    parts = (request.endpoint, request.path, url_for("twiml.status", _external=True), request.form["Body"], g.sender)
    return " ".join([*map(str, parts), str(request.view_args), str(request.url_rule)])


def remember(message: InboundMessage) -> str:
    """Count the messages of a sender."""
    session["count"] = session.get("count", 0) + 1
    return f"message {session['count']}"


def look(message: InboundMessage) -> str:
    """Read the session, and change nothing."""
    return f"count {session.get('count')}"


def keep(message: InboundMessage) -> str:
    """Make the session permanent."""
    session.permanent = True
    return "kept"


def add_header(message: InboundMessage) -> str:
    """Have a header added to the answer."""

    @after_this_request
    def with_header(response: Response) -> Response:
        response.headers["X-Added"] = "yes"
        return response

    return "with a header"


def fail(message: InboundMessage) -> str:
    """Raise, as a handler with a bug."""
    raise ValueError("a bug")


@pytest.mark.parametrize("handler", [describe_context, remember, look, keep, add_header, fail, lambda _: None])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_answer_is_the_same_either_way(handler: Callable[[InboundMessage], Any], method: str) -> None:
    """A program must not depend on the way that a request took."""
    app = make_app(handler)

    assert whole(post(app, method=method)) == whole(by_dispatch(app, method=method))


@given(
    method=st.sampled_from(["POST", "GET", "HEAD"]),
    query=st.binary(max_size=40).map(lambda each: each.decode("latin-1")),
    body=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: inbound_form(text).encode().encode()),
    content_type=st.sampled_from(["application/x-www-form-urlencoded", "", "application/json", "text/plain; x=1"]),
)
def test_answer_to_any_bytes_is_the_same_either_way(method: str, query: str, body: bytes, content_type: str) -> None:
    """Refusals of malformed requests are the same as well."""
    app = make_app()
    options: dict[str, Any] = {"method": method, "query_string": query, "data": body, "content_type": content_type}

    assert whole(post(app, **options)) == whole(by_dispatch(app, **options))


HOSTS = st.text("aZ0-.:[]_ \xe9", max_size=12) | st.integers(60, 70).map(lambda length: f"{'a' * length}.example:80")


@given(host=HOSTS)
@example(host="a..b")
@example(host="a.example:123456")
def test_answer_to_any_host_is_the_same_either_way(host: str) -> None:
    """Flask refuses some hosts before it calls a view."""
    app = make_app()
    options: dict[str, Any] = {"environ_overrides": {"HTTP_HOST": host}}

    assert whole(post(app, **options)) == whole(by_dispatch(app, **options))


@pytest.mark.parametrize("way", [post, by_dispatch], ids=["directly", "by dispatch"])
def test_session_lasts_from_message_to_message(way: Callable[..., Any]) -> None:
    """Twilio keeps cookies for each pair of numbers."""
    app = make_app(remember)
    first = way(app)
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    second = way(app, cookie=cookie)

    assert b"message 1" in first.data
    assert b"message 2" in second.data
    assert second.headers["Vary"] == "Cookie"


def test_permanent_session_is_renewed_although_the_handler_does_not_use_it() -> None:
    """Otherwise it would end while it is in use."""
    cookie = post(make_app(keep)).headers["Set-Cookie"].partition(";")[0]
    app = make_app()
    answers = [way(app, cookie=cookie) for way in (post, by_dispatch)]

    assert ["session=" in answer.headers.get("Set-Cookie", "") for answer in answers] == [True, True]


@pytest.mark.parametrize("key", [None, ""])
def test_application_without_a_key_has_no_session(key: str | None) -> None:
    """Flask's error message must still say what is missing."""
    app = make_app(lambda _: f"permanent: {session.permanent}, {session.__class__.__name__}")
    app.secret_key = key

    assert whole(post(app)) == whole(by_dispatch(app))
    assert f"permanent: {NullSession().permanent}, NullSession".encode() in post(app).data


class OwnSessions(SecureCookieSessionInterface):
    """Sessions of an application, which note in the answer that they were saved."""

    def save_session(self, app: Flask, session: Any, response: Response) -> None:  # noqa: ARG002
        """Note it."""
        response.headers["X-Saved"] = "yes"


@pytest.mark.parametrize("before", [True, False], ids=["set before the extension", "set after it"])
def test_sessions_of_the_application_are_saved(before: bool) -> None:
    """Extensions store sessions in Redis or in a database."""
    app = Flask("bigger")
    if before:
        app.session_interface = OwnSessions()
    make_app(app=app)
    app.session_interface = OwnSessions()

    assert post(app).headers["X-Saved"] == "yes"


def before(app: Flask, seen: Seen) -> None:
    """Register a function that runs before requests."""
    app.before_request(lambda: seen.append("before"))


def before_of_the_blueprint(app: Flask, seen: Seen) -> None:
    """Register a function that runs before webhooks."""
    app.before_request_funcs.setdefault("twiml", []).append(lambda: seen.append("before"))


def after(app: Flask, seen: Seen) -> None:
    """Register a function that runs after requests."""

    @app.after_request
    def note(response: Response) -> Response:
        seen.append("after")
        return response


def preprocess(app: Flask, seen: Seen) -> None:
    """Register a function that looks at the values of the URL."""

    @app.url_value_preprocessor
    def note(endpoint: str | None, values: dict[str, Any] | None) -> None:
        seen.append(f"values of {endpoint}")


def teardown(app: Flask, seen: Seen) -> None:
    """Register a function that runs at the end of a request."""
    app.teardown_request(lambda error: seen.append(f"teardown {error}"))


def teardown_of_the_context(app: Flask, seen: Seen) -> None:
    """Register a function that runs at the end of the application context."""
    app.teardown_appcontext(lambda error: seen.append(f"teardown {error}"))


@pytest.mark.parametrize("add", [before, before_of_the_blueprint, after, preprocess, teardown, teardown_of_the_context])
def test_hook_runs_once_per_request(add: Callable[[Flask, Seen], None]) -> None:
    """An application may close its database connection there."""
    app, seen = make_app(), Seen()
    post(app)
    app._got_first_request = False  # Flask refuses hooks after the first request that it dispatches
    add(app, seen)

    assert [post(app).status_code, post(app).status_code] == [200, 200]
    assert len(seen) == 2


def test_hook_that_refuses_a_request_is_obeyed() -> None:
    """An application may be closed for maintenance."""
    app = make_app()
    app.before_request(lambda: ("closed\n", 418))

    answer = post(app)

    assert (answer.status_code, answer.data) == (418, b"closed\n")


@pytest.mark.parametrize(
    "signal", [request_started, request_finished, request_tearing_down], ids=lambda each: each.name
)
def test_signal_is_sent(signal: Any) -> None:
    """Monitoring tools listen to signals."""
    app = make_app()
    seen: list[Flask] = []

    def note(sender: Flask, **_arguments: Any) -> None:
        seen.append(sender)

    with signal.connected_to(note, app):
        post(app)

    assert seen == [app]


class Overriding(Flask):
    """An application with a method of its own."""

    def process_response(self, response: Response) -> Response:
        """Add a header."""
        response.headers["X-Processed"] = "yes"
        return super().process_response(response)


def test_overridden_method_of_the_application_is_called() -> None:
    """A subclass may change any of Flask's methods."""
    assert post(make_app(app=Overriding("bigger"))).headers["X-Processed"] == "yes"


class Monitored(Flask):
    """An application whose dispatch a monitoring tool has wrapped, as such tools wrap Flask's own."""

    full_dispatch_request = functools.partialmethod(Flask.full_dispatch_request)


def test_wrapped_method_of_the_application_is_called() -> None:
    """Some monitoring tools replace the methods of Flask itself."""
    app = make_app(app=Monitored("bigger"))
    seen = dispatches(app)

    post(app)

    assert seen == ["/message"]


def test_middleware_of_the_application_is_called() -> None:
    """It was there before the extension."""
    app, seen = Flask("bigger"), Seen()
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Iterable[bytes]:
        seen.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]
    make_app(app=app)
    post(app)

    assert seen == ["/message"]


def test_view_that_replaces_a_webhook_is_called() -> None:
    """Decorators of other extensions are applied to views like this."""
    app = make_app()
    app.view_functions["twiml.message"] = lambda: "another view"

    assert post(app).data == b"another view"


def test_view_of_the_application_with_the_same_path_is_called() -> None:
    """With two rules for one path, Flask calls the first one."""
    app = Flask("bigger")
    app.add_url_rule("/message", "own", lambda: "the application's", methods=["POST"])
    make_app(app=app)

    assert post(app).data == b"the application's"


class Boom(RuntimeError):
    """An error in the extension itself."""


def make_failing_app(error: BaseException) -> Flask:
    """Return an application whose receiver raises an error, which it never should."""
    app = make_app()

    def handle(*_arguments: Any) -> Any:
        raise error

    state_of(app).receiver.handle = handle  # type: ignore[method-assign, assignment]
    return app


@pytest.mark.parametrize("way", [post, by_dispatch], ids=["directly", "by dispatch"])
def test_error_handler_of_the_application_is_called(way: Callable[[Flask], Any]) -> None:
    """An application may answer its errors itself."""
    app = make_failing_app(Boom())

    @app.errorhandler(Boom)
    def answer(error: Boom) -> ResponseReturnValue:
        return "sorry\n", 503

    assert (way(app).status_code, way(app).data) == (503, b"sorry\n")


@pytest.mark.parametrize("way", [post, by_dispatch], ids=["directly", "by dispatch"])
@pytest.mark.parametrize("error", [Boom(), KeyboardInterrupt()], ids=["exception", "interrupt"])
def test_error_reaches_the_teardown(way: Callable[[Flask], Any], error: BaseException) -> None:
    """A database session is rolled back if there was an error."""
    app = make_failing_app(error)
    seen: list[BaseException | None] = []
    app.teardown_request(seen.append)

    if isinstance(error, Exception):
        assert way(app).status_code == 500
    else:
        with pytest.raises(KeyboardInterrupt):
            way(app)
    assert seen == [error]


def test_context_that_a_test_client_preserves_is_left_to_flask() -> None:
    """Tests look at the session and at the request afterwards."""
    app = make_app(remember)

    with app.test_client() as client:
        client.post("/message", data=BODY, content_type="application/x-www-form-urlencoded", headers=AUTHORIZATION)
        assert session["count"] == 1


def test_session_interface_is_kept_if_it_is_not_flasks() -> None:
    """Only Flask's own is replaced, by one that does the same."""
    app = Flask("bigger")
    own = SessionInterface()
    app.session_interface = own
    make_app(app=app)

    assert app.session_interface is own
