"""The Flask side: the application and the extension."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, got_request_exception
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from . import logs
from .assembly import TwimlState, assemble
from .config import Settings
from .credentials import weaknesses
from .direct_dispatch import DirectDispatch
from .errors import ConfigurationError
from .health import HealthServer, health_answers
from .routing import Router, place_of
from .setting_readers import READERS
from .trusted_hosts import TrustedHosts
from .unknown_settings import describe_unknown_settings
from .views import HEALTH_CHECKS, METRICS_PATH, metrics_view, plain_line, webhook_blueprint, webhook_views

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from .metrics import Metrics

EXTENSION = "twiml"
#: How long the end of a web server's process waits for work, in seconds.
STOP_S = 10.0


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
            settings,
            self._root,
            router=chosen,
            url_prefix=prefix,
            on_exception=_signal(app),
            observer=metrics,
            context=app.app_context,
        )
        if metrics and state.sending:
            state.sending.dispatcher.count = metrics.count_send
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
    views = webhook_views(state.receiver, state.settings)
    blueprint = webhook_blueprint(views, state.receiver, state.media_links)
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


def media_url(path: Path, *, channel: str = "sms") -> str:
    """Return a signed URL of a local file, for a message that is sent through the REST API; it works for a day.

    ``channel`` is that of the message: ``sms``, ``whatsapp``, ``rcs`` or ``messenger``. The current Flask application
    serves the file.

    Raises: MediaError, for a file that Twilio would not send; ConfigurationError, without TWIML_PUBLIC_URL.
    """
    return state_of(current_app).media_links.url(path, channel=channel)


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


def run_background(app: object) -> None:
    """Let a process of a web server do what handlers ask for, in ``TWIML_WORK_THREADS`` threads, once there is any."""
    if isinstance(app, Flask) and EXTENSION in app.extensions:
        state = state_of(app)
        if state.background:
            state.background.arm(state.settings.work_threads)


def stop_background(app: object, *, wait_s: float = STOP_S) -> None:
    """Begin no more work in this process, and wait for what runs; what does not end in time is run again elsewhere."""
    background = state_of(app).background if isinstance(app, Flask) and EXTENSION in app.extensions else None
    if background and not background.stop(wait_s):
        logs.logger.warning("work was still running after %g s; it will be run again", wait_s)


def collect_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment, overridden by the application's own configuration."""
    own = {name: config[name] for name in config if name in READERS or name.startswith("TWIML_")}
    return {**os.environ, **{name: value for name, value in own.items() if value is not None}}


def warnings_of(settings: Settings, router: Router, values: Mapping[str, Any]) -> list[str]:
    """Return one line per setting or handler that is allowed but unwise."""
    lines = [f"TWIML_CREDENTIALS: {weakness}" for pair in settings.credentials for weakness in weaknesses(pair)]
    lines += describe_unknown_settings(values)
    if settings.database_url == "off":
        lines += [
            f"TWIML_DATABASE_URL is off, so this dialog cannot keep its answers, and fails ({place_of(route.handler)})"
            for route in router.dialogs
        ]
    lines += [
        f"the pattern {route.source} is an opt-out word: Twilio answers it itself and the handler never runs, unless"
        f" TWIML_OPT_OUT_NUMBERS names the number ({place_of(route.handler)})"
        for route in router.routes_on_stop_words(settings.opt_out_numbers)
    ]
    if settings.database_url == "off":
        lines += [
            f"a handler declares `conversation`, which needs the journal, and TWIML_DATABASE_URL is off: its messages"
            f" get 500 ({place_of(route.handler)})"
            for route in router.all_routes
            if route.stateful
        ]
    return lines


def _signal(app: Flask) -> Callable[[Exception], object]:
    """Return a function that sends Flask's exception signal, which error trackers listen to."""
    return lambda error: got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
