"""The Flask side: the application and the extension."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import Flask, got_request_exception
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from . import logs
from .config import Settings
from .conversations import ConversationKeeper
from .credentials import weaknesses
from .direct_dispatch import DirectDispatch
from .errors import ConfigurationError
from .health import HealthServer, health_answers
from .receiver import Observer, Receiver
from .routing import Router, place_of
from .setting_readers import READERS
from .trusted_hosts import TrustedHosts
from .unknown_settings import describe_unknown_settings
from .views import HEALTH_CHECKS, METRICS_PATH, metrics_view, plain_line, webhook_blueprint, webhook_views
from .webhook_sessions import WebhookSessions

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from .journal import DurableJournal, Engine, Ledger
    from .metrics import Metrics

EXTENSION = "twiml"


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
    file = root / ".env"
    if not file.is_file():
        return
    from dotenv import load_dotenv
    from dotenv.parser import parse_stream

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
    app.register_error_handler(HTTPException, plain_line)
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
    observer: Observer | None = None,
) -> TwimlState:
    """Return the extension's state: the handlers, the journal, and the receiver.

    Raises: ConfigurationError; RegistrationError.
    """
    chosen = router or load_router(settings.handlers, root)
    if settings.database_url == "off":
        _require_no_state(chosen)
        receiver = Receiver(chosen, settings, on_exception=on_exception, observer=observer)
        return TwimlState(receiver, settings, root, url_prefix=url_prefix)
    from .journal import DurableJournal, Ledger, open_engine  # a quarter of the time of our imports

    engine = open_engine(settings, root)
    journal = DurableJournal(engine, settings) if engine else None
    keeper = _keeper(engine, journal, settings)
    receiver = Receiver(
        chosen, settings, journal=journal, conversations=keeper, on_exception=on_exception, observer=observer
    )
    ledger = Ledger(engine) if engine else None
    return TwimlState(receiver, settings, root, engine, ledger, url_prefix)


def _keeper(engine: Engine | None, journal: DurableJournal | None, settings: Settings) -> ConversationKeeper | None:
    """Return what keeps the conversations; duplicates and messages that wait for their turn share a limit."""
    if engine is None or journal is None:
        return None
    from .journal import ConversationStore

    store = ConversationStore(engine)
    return ConversationKeeper(store, hours=settings.conversation_hours, may_wait=journal.may_wait)


def _require_no_state(router: Router) -> None:
    """Refuse handlers that need a journal.

    Raises: ConfigurationError.
    """
    if stateful := [place_of(route.handler) for route in router.all_routes if route.stateful]:
        problem = f"is off, and a handler declares `conversation`, whose state is kept in the journal ({stateful[0]})"
        raise ConfigurationError("TWIML_DATABASE_URL", problem)


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
        metrics = _metrics(settings, self._root)
        state = assemble(
            settings, self._root, router=chosen, url_prefix=prefix, on_exception=_signal(app), observer=metrics
        )
        app.extensions[EXTENSION] = state
        _add_views(app, state, metrics)
        for line in warnings_of(settings, state.router, values):
            logs.logger.warning("%s", line)


def _metrics(settings: Settings, root: Path) -> Metrics | None:
    """Return what counts for ``/metrics`` if it is switched on.

    Raises: ConfigurationError.
    """
    if settings.metrics == "off":
        return None
    from .metrics import start_metrics  # reads the journal

    return start_metrics(root)


def _add_views(app: Flask, state: TwimlState, metrics: Metrics | None) -> None:
    """Add the views to an application, and the short way to them."""
    if type(app.session_interface) is SecureCookieSessionInterface:
        app.session_interface = WebhookSessions()
    views = webhook_views(state.receiver, state.settings)
    blueprint = webhook_blueprint(views, state.receiver)
    if metrics:
        answer = partial(metrics.answer, state.engine)
        blueprint.add_url_rule(METRICS_PATH, "metrics", metrics_view(answer, state.settings.credentials))
    app.register_blueprint(blueprint, url_prefix=state.url_prefix or None)
    direct = DirectDispatch(app, {state.url_prefix + path: view for path, view in views.items()})
    app.wsgi_app = outermost(direct, app, state)  # type: ignore[assignment, method-assign]


def outermost(wsgi_app: WSGIApplication, app: Flask, state: TwimlState) -> WSGIApplication:
    """Return a WSGI application that looks at proxies and hosts before Flask does."""
    own_paths = {state.url_prefix + path for path in (*state.settings.paths.values(), *HEALTH_CHECKS, METRICS_PATH)}
    trusting = TrustedHosts(wsgi_app, app.config, own_paths)
    hops = state.settings.proxy_hops
    return ProxyFix(trusting, x_for=hops, x_proto=hops, x_host=hops) if hops else trusting


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
