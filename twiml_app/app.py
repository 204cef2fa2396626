"""The Flask side: the application, the extension and its routes; converts between Flask and the webhook types."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, got_request_exception, request
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import get_host

from . import logs
from .body_deadlines import BodyDeadlines
from .config import Settings
from .credentials import weaknesses
from .errors import ConfigurationError
from .health import HealthServer, health_answers
from .journal import DurableJournal, Engine, Ledger, open_engine
from .receiver import Receiver
from .routing import Router, place_of
from .setting_readers import READERS
from .unknown_settings import describe_unknown_settings
from .webhook import TEXT_TYPE, Endpoint, WebhookResponse
from .wsgi_request import RequestBody, announces_body, read_request
from .wsgi_response import ClosingResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EXTENSION = "twiml"
_HEALTH_CHECKS = ("/healthz", "/readyz")
#: How long the body of a webhook may take to arrive, in seconds; Twilio waits 15 for the answer.
_BODY_LIMIT_S = 10.0


def create_app(settings: Mapping[str, Any] | None = None, *, root: str | Path | None = None) -> Flask:
    """Make the application that serves the handlers of a project.

    Settings come from ``settings``, then from the environment, then from the project's ``.env`` file. ``root`` is the
    folder of ``.env``, ``handlers`` and ``templates/``, by default the working directory.

    Raises: ConfigurationError; RegistrationError.
    """
    folder = Path(root or Path.cwd()).resolve()
    load_environment(folder)
    return build_app(settings or {}, folder)


def load_environment(root: Path) -> None:
    """Set the variables of a project's ``.env`` file that the environment does not have.

    Raises: ConfigurationError, for a line that cannot be read: ignoring it might leave a check out.
    """
    from dotenv import load_dotenv
    from dotenv.parser import parse_stream

    file = root / ".env"
    if not file.is_file():
        return
    with file.open(encoding="utf-8") as lines:
        broken = [binding.original.line for binding in parse_stream(lines) if binding.error]
    if broken:
        problem = f"line {broken[0]} cannot be read: write NAME=value, and JSON on one line between single quotes"
        raise ConfigurationError(str(file), problem)
    load_dotenv(file)


def build_app(settings: Mapping[str, Any], folder: Path, *, router: Router | None = None) -> Flask:
    """Make the application of a project without its ``.env`` file, as tests do.

    Without ``router``, the handlers are those of the module that ``TWIML_HANDLERS`` names.

    Raises: ConfigurationError; RegistrationError.
    """
    app = Flask(
        "twiml_app",
        root_path=str(folder),
        instance_path=str(folder / "instance"),
        template_folder=str(folder / "templates"),
        static_folder=None,
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}  # blank lines would be sent
    app.config.update(settings)
    app.register_error_handler(HTTPException, _plain_line)
    Twiml(router=router, root=folder).init_app(app)
    return app


@dataclass(frozen=True, slots=True)
class TwimlState:
    """The state of the extension for one application, in ``app.extensions["twiml"]``."""

    receiver: Receiver
    settings: Settings
    #: The folder of the handlers, to which the path of the SQLite journal is relative.
    root: Path
    #: The database of the journal; None without a journal.
    engine: Engine | None = None
    #: The delivery status of sent messages; None without a journal.
    ledger: Ledger | None = None
    #: The part of the path in front of the extension's own paths.
    url_prefix: str = ""

    @property
    def router(self) -> Router:
        """The registered handlers."""
        return self.receiver.router


def assemble(
    settings: Settings,
    root: Path,
    *,
    router: Router | None = None,
    url_prefix: str = "",
    on_exception: Callable[[Exception], object] = lambda _: None,
) -> TwimlState:
    """Return the extension's state: the handlers, the journal, and the receiver.

    Raises: ConfigurationError; RegistrationError.
    """
    chosen = router or load_router(settings.handlers, root)
    engine = open_engine(settings, root)
    journal = DurableJournal(engine, settings) if engine else None
    receiver = Receiver(chosen, settings, journal=journal, on_exception=on_exception)
    ledger = Ledger(engine) if engine else None
    return TwimlState(receiver, settings, root, engine, ledger, url_prefix)


class Twiml:
    """Serves the handlers of a router in any Flask application, optionally under a URL prefix.

    Without a router, the module named by ``TWIML_HANDLERS`` provides the handlers; ``root`` is the folder of that
    module and of the journal, by default the working directory.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        router: Router | None = None,
        url_prefix: str = "",
        root: str | Path | None = None,
    ) -> None:
        self._router = router
        self._url_prefix = url_prefix
        self._root = Path(root or Path.cwd())
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, router: Router | None = None, url_prefix: str | None = None) -> None:
        """Add the Message URL, the status URL, the fallback URL and the health checks to an application.

        Raises: ConfigurationError; RegistrationError.
        """
        values = collect_settings(app.config)
        settings = Settings.read(values)
        logs.set_up(settings.log_format)
        _set_secret_key(app, settings)
        chosen = router or self._router
        prefix = (self._url_prefix if url_prefix is None else url_prefix).rstrip("/")
        state = assemble(settings, self._root, router=chosen, url_prefix=prefix, on_exception=_signal(app))
        app.extensions[EXTENSION] = state
        app.register_blueprint(_blueprint(state.receiver, settings), url_prefix=prefix or None)
        trusting = only_trusted_hosts(app.wsgi_app, app, state)
        app.wsgi_app = behind_proxies(trusting, settings)  # type: ignore[assignment, method-assign]
        for line in warnings_of(settings, state.router, values):
            logs.logger.warning("%s", line)


def behind_proxies(wsgi_app: WSGIApplication, settings: Settings) -> WSGIApplication:
    """Return a WSGI application that trusts the headers of the configured number of proxies."""
    hops = settings.proxy_hops
    return ProxyFix(wsgi_app, x_for=hops, x_proto=hops, x_host=hops) if hops else wsgi_app


def only_trusted_hosts(wsgi_app: WSGIApplication, app: Flask, state: TwimlState) -> WSGIApplication:
    """Return a WSGI application whose own paths refuse a host that is not in Flask's ``TRUSTED_HOSTS``.

    Flask does so too, since 3.1, but with the error page of the application, and without a line in the log.
    """
    paths = {state.url_prefix + path for path in (*state.settings.paths.values(), *_HEALTH_CHECKS)}

    def refuse_or_call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        trusted = app.config.get("TRUSTED_HOSTS")
        if not trusted or environ.get("PATH_INFO") not in paths or _is_trusted(environ, trusted):
            return wsgi_app(environ, start_response)
        reason = f"the host {str(environ.get('HTTP_HOST', ''))[:100]} is not in TRUSTED_HOSTS"
        logs.log_event(logging.WARNING, "refused", {"status": 400, "url": environ["PATH_INFO"], "reason": reason})
        refusal = WebhookResponse.line(400, "the host is not served here")
        return _flask_response(refusal, closes=announces_body(environ))(environ, start_response)

    return refuse_or_call


def _is_trusted(environ: WSGIEnvironment, trusted: Collection[str]) -> bool:
    try:
        get_host(environ, trusted)
    except SecurityError:
        return False
    return True


def _set_secret_key(app: Flask, settings: Settings) -> None:
    """Give ``flask.session`` the key that signs URLs, unless the application has one of its own."""
    if app.secret_key is None:
        app.secret_key, *fallbacks = settings.secret_keys
        app.config["SECRET_KEY_FALLBACKS"] = fallbacks or None


def state_of(app: Flask) -> TwimlState:
    """Return the extension's state for an application.

    Raises: ConfigurationError, if it was never initialized.
    """
    try:
        state: TwimlState = app.extensions[EXTENSION]
    except KeyError:
        raise ConfigurationError("Twiml", "this Flask application has no Twiml extension: call Twiml(app)") from None
    return state


def serve_health(app: object) -> None:
    """Serve ``/healthz`` and ``/readyz`` on ``TWIML_HEALTH_BIND`` from a thread, for the worker of a web server.

    A problem is only logged: messages are more important than probes.
    """
    try:
        _serve_health(app)
    except ConfigurationError as error:
        logs.logger.error("%s", error)


def _serve_health(app: object) -> None:
    """Start the server if an address is configured.

    Raises: ConfigurationError, if it cannot listen there, or if the application is wrapped in another one.
    """
    if isinstance(app, Flask) and EXTENSION in app.extensions:
        state = state_of(app)
        if state.settings.health_bind:
            HealthServer(state.settings.health_bind, health_answers(state.receiver)).start()
    elif os.environ.get("TWIML_HEALTH_BIND", "").strip():
        problem = "gunicorn serves no Flask application with Twiml: call twiml_app.app.serve_health in post_worker_init"
        raise ConfigurationError("TWIML_HEALTH_BIND", problem)


def collect_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment, overridden by the application's own configuration."""
    own = {name: config[name] for name in config if name in READERS or name.startswith("TWIML_")}
    return {**os.environ, **{name: value for name, value in own.items() if value is not None}}


def load_router(module_name: str, root: str | Path) -> Router:
    """Import the module that lists a project's routers, and merge them.

    Raises: ConfigurationError, if it does not exist or lists none; RegistrationError.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0] and error.name != module_name:
            raise
        raise ConfigurationError("TWIML_HANDLERS", f"there is no module {module_name} in {root}") from error
    routers = getattr(module, "routers", ())
    listed = routers if isinstance(routers, list | tuple) else ()
    if not listed:
        raise ConfigurationError("TWIML_HANDLERS", f"the module {module_name} has no list of routers: routers = [...]")
    if strangers := [type(router).__name__ for router in listed if not isinstance(router, Router)]:
        problem = f"the routers of {module_name} hold a {strangers[0]}: list routers, such as hello.router"
        raise ConfigurationError("TWIML_HANDLERS", problem)
    for name in _unlisted(module, listed):
        logs.logger.warning("%s defines a router that is not listed in %s.routers, so it never runs", name, module_name)
    return Router(*listed)


def _unlisted(package: ModuleType, listed: Sequence[Router]) -> Iterator[str]:
    """Yield the modules of a handlers package whose router is not listed, so that it never runs."""
    for folder in getattr(package, "__path__", []):
        for file in sorted(Path(folder).glob("[!_]*.py")):
            name = f"{package.__name__}.{file.stem}"
            router = getattr(sys.modules.get(name), "router", None)
            imported = name in sys.modules
            if (imported and isinstance(router, Router) and router not in listed) or (
                not imported and "Router(" in file.read_text(encoding="utf-8", errors="replace")
            ):
                yield name


def warnings_of(settings: Settings, router: Router, values: Mapping[str, Any]) -> list[str]:
    """Return one line per setting or handler that is allowed but unwise."""
    lines = [f"TWIML_CREDENTIALS: {weakness}" for pair in settings.credentials for weakness in weaknesses(pair)]
    lines += describe_unknown_settings(values)
    lines += [
        f"the pattern {route.source} is an opt-out word: Twilio answers it itself and the handler never runs, unless"
        f" TWIML_OPT_OUT_NUMBERS names the number ({place_of(route.handler)})"
        for route in router.routes_on_stop_words(settings.opt_out_numbers)
    ]
    return lines


def _signal(app: Flask) -> Callable[[Exception], object]:
    """Return a function that sends Flask's exception signal, which error trackers listen to."""
    return lambda error: got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)


def _blueprint(receiver: Receiver, settings: Settings) -> Blueprint:
    blueprint = Blueprint("twiml", __name__)
    blueprint.register_error_handler(HTTPException, _plain_line)
    deadlines = BodyDeadlines(_BODY_LIMIT_S)
    for endpoint, path in settings.paths.items():
        view = _webhook_view(receiver, endpoint, path, settings.max_body_bytes, deadlines)
        blueprint.add_url_rule(path, endpoint, view, methods=["GET", "POST"])
    for path, answer in health_answers(receiver).items():
        blueprint.add_url_rule(path, path.removeprefix("/"), _health_view(answer))
    return blueprint


def _webhook_view(
    receiver: Receiver, endpoint: Endpoint, path: str, max_bytes: int, deadlines: BodyDeadlines
) -> Callable[[], Response]:
    def view() -> Response:
        body = RequestBody(request.environ, max_bytes, deadlines)
        answer = receiver.handle(read_request(request.environ, endpoint, path), body.read)
        return _flask_response(answer, closes=body.is_unread)

    return view


def _health_view(answer: Callable[[], WebhookResponse]) -> Callable[[], Response]:
    return lambda: _flask_response(answer(), closes=announces_body(request.environ))


def _flask_response(answer: WebhookResponse, *, closes: bool) -> Response:
    response_type = ClosingResponse if closes else Response
    response = response_type(answer.body, answer.status, headers=list(answer.headers), content_type=answer.content_type)
    if not answer.content_type:
        del response.headers["Content-Type"]
    return response


def _plain_line(error: HTTPException) -> Response:
    """Answer requests that Flask refuses (an unknown path, a wrong method) with one plain line."""
    response = error.get_response()
    response.data = f"{error.code} {error.name}\n".encode()
    response.content_type = TEXT_TYPE
    response_type = ClosingResponse if announces_body(request.environ) else Response
    return response_type.force_type(response)  # type: ignore[return-value]
