"""Checks of an installation: its settings, its handlers, its journal, and its answers to requests from outside."""

from __future__ import annotations

import glob
import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from .app import warnings_of
from .assembly import TwimlState, assemble
from .caller import Caller, OutgoingRequest, Transport, Webhook, without_userinfo
from .config import Settings
from .conversations import check_dialogs
from .errors import CallError, ConfigurationError, JournalError, TwimlAppError
from .journal import ConversationStore, WorkArchive, sqlite_path
from .logs import format_time
from .private_files import is_open_to_others
from .receiver import REALM
from .routing import Router, hidden_routes, overlapping_repeats, place_of
from .sending import TwilioApi, can_send, credentials_of
from .served_app import ServedApp
from .setting_readers import READERS
from .webhook import Form, base_of

Level = Literal["ok", "warning", "error"]

#: Makes Twilio retry after any failure, within its 15 seconds; a retry gets the stored answer,
#: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
RETRY_FRAGMENT = "#rc=2&rp=all"

#: How long work may be overdue without a warning, in seconds.
_OVERDUE_S = 300.0
#: The length to which a regular expression is cut.
_SHOWN_PATTERN = 80

_PASSWORD = re.compile(r"((?:^|[?&;\s])(?:password|passwd|pwd|secret|token|key)=)[^&;\s]+", re.IGNORECASE)
_SECRET = ("CREDENTIALS", "TOKEN", "KEY")
_DEFAULTS = {
    f"TWIML_{each.name.upper()}": str(each.default)
    for each in fields(Settings)
    if each.default is not MISSING and each.default not in ((), frozenset(), "", None)
} | {"TWIML_ACCOUNTS": "any"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    level: Level
    subject: str
    says: str


def list_settings(values: Mapping[str, Any], *, show_secrets: bool = False) -> dict[str, str]:
    """Return every setting with its value; secrets are masked unless ``show_secrets``."""
    return {name: _setting_text(name, values.get(name), show_secrets) for name in READERS}


def _setting_text(name: str, value: Any, show_secrets: bool) -> str:
    if value in (None, ""):
        return f"({_DEFAULTS.get(name, 'not set')})"
    if name in ("TWIML_DATABASE_URL", "TWIML_QUEUE_URL") and not show_secrets:
        return mask_url(str(value))
    return "(set)" if any(word in name for word in _SECRET) and not show_secrets else str(value)


def check_settings(
    values: Mapping[str, Any], root: str | Path, router: Router | None = None
) -> tuple[Settings | None, list[Finding]]:
    """Return the settings, None if they cannot be used, and the findings about them, the journal and the handlers.

    Without ``router``, the handlers are those of the module that ``TWIML_HANDLERS`` names.
    """
    try:
        settings = Settings.read(values)
        state = assemble(settings, Path(root), router=router)
    except TwimlAppError as error:
        return None, [Finding("error", "start", str(error))]
    router = state.router
    findings = [Finding("warning", "settings", line) for line in warnings_of(settings, router, values)]
    findings += _check_public_url(settings)
    findings += _check_journal(state)
    findings += _check_sending(settings)
    findings += _check_waiting(state)
    findings += _check_work(state)
    findings += _check_routes(router)
    if not router.routes:
        findings.append(
            Finding("warning", "handlers", "no handler answers messages: register one with @router.default")
        )
    handlers = len(router.routes) + len(router.status_routes) + len(router.opt_out_routes)
    handlers += len(router.alert_routes) + len(router.all_routes) - len(router.routes)
    return settings, [*findings, Finding("ok", "handlers", f"{handlers} handlers")]


def _check_work(state: TwimlState) -> Iterator[Finding]:
    """Check that something runs the work that handlers ask for, and the schedules."""
    router = state.router
    asks = bool(router.schedules) or any(route.then for route in router.routes)
    if state.engine is None:
        if asks:
            yield Finding("error", "work", "then= and schedules need a journal: set TWIML_DATABASE_URL")
        return
    try:
        counts = WorkArchive(state.engine).counts(time.time())
    except JournalError:
        return  # which was found before
    finally:
        state.engine.close()
    if not state.settings.work_threads and not counts.workers and (asks or counts.waiting):
        problem = "nothing runs it: TWIML_WORK_THREADS is 0, and no twiml-app worker has given a sign of life"
        yield Finding("warning", "work", problem)
    elif counts.overdue_since and time.time() - counts.overdue_since > _OVERDUE_S:
        since = format_time(counts.overdue_since)
        yield Finding("warning", "work", f"due since {since} and not run: is the application or a worker running?")
    if counts.failed:
        yield Finding("warning", "work", f"{counts.failed} pieces were given up: see twiml-app journal list --failed")


def check_conversations(state: TwimlState, now: float) -> list[Finding]:
    """Run every open dialog over what is stored of it with this program; ``now`` is in seconds since 1970.

    Raises: JournalUnavailable.
    """
    if state.engine is None:
        return []
    try:
        checked = check_dialogs(state.router, ConversationStore(state.engine).open_dialogs(), now)
    finally:
        state.engine.close()
    if not checked.problems:
        return [Finding("ok", "conversations", f"{checked.open} open dialogs go on with this program")]
    return [
        Finding("error", "conversations", f"{'1 person is' if count == 1 else f'{count} people are'} in {problem}")
        for problem, count in checked.problems.most_common()
    ]


def _check_routes(router: Router) -> Iterator[Finding]:
    for route in router.routes:
        if isinstance(route.pattern, re.Pattern) and overlapping_repeats(route.pattern):
            yield Finding(
                "warning",
                "handlers",
                f"{_one_line(route.source)} can take minutes for a long text ({place_of(route.handler)}): two of its"
                " repeats, such as .* and \\s+, can share the same characters. Put a character between them that one of"
                " them cannot match, or make the first one possessive, such as \\s++",
            )
    for route, earlier in hidden_routes(router.routes):
        yield Finding(
            "warning",
            "handlers",
            f"{route.source} never runs ({place_of(route.handler)}): {earlier.source} comes first and matches the same"
            f" messages ({place_of(earlier.handler)}). Register the more specific one first",
        )


def _one_line(source: str) -> str:
    """Return a pattern without line breaks, cut to a length that a table can show."""
    line = " ".join(source.split())
    return line if len(line) <= _SHOWN_PATTERN else f"{line[: _SHOWN_PATTERN - 2]}…/"


def _check_public_url(settings: Settings) -> Iterator[Finding]:
    if not settings.public_url:
        yield Finding(
            "warning",
            "TWIML_PUBLIC_URL",
            "not set: behind a proxy, signatures do not match, and the status URLs of replies follow the Host header of"
            " the request, which its sender chooses unless Flask's TRUSTED_HOSTS is set",
        )
    elif settings.public_url.startswith("http://"):
        yield Finding(
            "warning", "TWIML_PUBLIC_URL", "http: credentials and texts are sent over the network unencrypted"
        )


def _check_sending(settings: Settings) -> Iterator[Finding]:
    """Check that messages can be sent first, if a default sender says that they are."""
    if not settings.from_:
        return
    try:
        TwilioApi(settings).require()
    except ConfigurationError as error:
        yield Finding("error", "TWIML_FROM", f"messages cannot be sent: {error.problem}")
    if not credentials_of(settings.sender_accounts.get(settings.from_, ""), settings)[1]:
        advice = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TWIML_AUTH_TOKENS"
        yield Finding("error", "TWIML_FROM", f"messages cannot be sent without an account and its token: {advice}")
    if not settings.public_url:
        says = "without TWIML_PUBLIC_URL, nobody reports the delivery of messages that are not sent by handlers"
        yield Finding("warning", "TWIML_FROM", says)


def _check_waiting(state: TwimlState) -> Iterator[Finding]:
    """Check that a message whose turn in its conversation does not come in time can be answered later."""
    router = state.router
    waits = bool(router.dialogs) or any(route.stateful for route in router.all_routes)
    if not waits or state.engine is None or can_send(state.settings):
        return
    says = "not configured, so a message that would have to wait too long for the one before it gets 503:"
    advice = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and pip install 'twiml-app[send]'"
    yield Finding("warning", "sending", f"{says} {advice}")


#: Variables of platforms that discard the disk at the next deploy.
_DISCARDING = ("DYNO", "K_SERVICE", "AWS_LAMBDA_FUNCTION_NAME", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - compared with, not written to


def _check_journal(state: TwimlState) -> Iterator[Finding]:
    """Check that the journal can be written to, that its disk is persistent, and that its files are private."""
    if state.engine is None:
        yield Finding("warning", "journal", "off: a message that Twilio sends twice is answered twice")
        return
    try:
        state.engine.check()
        missing = state.engine.missing_indexes()
    except JournalError as error:
        yield Finding("error", "journal", str(error))
        return
    finally:
        state.engine.close()
    if missing:
        names = ", ".join(index.name for index in missing)
        yield Finding("warning", "journal", f"slow to search without {names}: run twiml-app journal upgrade")
    url = state.settings.database_url
    place = sqlite_path(url, state.root).resolve() if url.startswith("sqlite:") else None
    if place and (reason := _why_temporary(place)):
        yield Finding("warning", "journal", f"{place} {reason}: use PostgreSQL, or a persistent disk")
    else:
        hint = " (in a container: mount a volume there)" if place and Path("/.dockerenv").exists() else ""
        yield Finding("ok", "journal", f"can be written to{f', {place}' if place else ''}{hint}")
    if place and (files := _open_files(place)):
        command = shlex.join(["chmod", "600", *map(str, files)])
        yield Finding("warning", "journal", f"other users can read or change people's texts: type {command}")


def _open_files(place: Path) -> list[Path]:
    """Return the files of a SQLite journal that other users can use: the database and the files next to it."""
    beside = place.parent.glob(f"{glob.escape(place.name)}-*")
    return [file for file in (place, *sorted(beside)) if is_open_to_others(file)]


def _why_temporary(path: Path) -> str:
    if any(path.is_relative_to(folder) for folder in _TEMPORARY):
        return "is in a folder for temporary files"
    if platform := next((name for name in _DISCARDING if name in os.environ), ""):
        return f"may be gone after the next deploy on this platform ({platform} is set)"
    return ""


@dataclass(frozen=True, slots=True)
class ConsoleUrls:
    """The URLs to paste into Twilio's console, by the names that they have there."""

    message: str
    fallback: str
    #: The webhook of the debugger.
    alert: str


def console_urls(settings: Settings, prefix: str = "", *, show_secrets: bool = False) -> ConsoleUrls:
    """Return the URLs to give to Twilio; the password is masked unless ``show_secrets``."""
    target = ServedApp(base_of(settings.public_url or "https://YOUR-HOST", prefix), settings)
    webhook = target.webhook(settings.message_path, settings.fallback_path)
    urls = [webhook.url + RETRY_FRAGMENT, webhook.fallback_url, target.webhook(settings.alert_path).url]
    return ConsoleUrls(*(url if show_secrets else mask_url(url) for url in urls))


def mask_url(url: str) -> str:
    """Return a URL with its password masked, wherever it is and whatever characters are in it."""
    scheme, separator, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    masked = f"{scheme}://{userinfo.partition(':')[0]}:***@{host}" if separator and at else url
    return _PASSWORD.sub(r"\1***", masked)


def probe(url: str, settings: Settings, transport: Transport) -> Iterator[Finding]:
    """Call a Message URL from outside, and yield the findings; no handler runs, as the requests are not messages.

    The URL may contain credentials; otherwise those of the settings are used.
    """
    bare = without_userinfo(url)
    if bare.startswith("http://"):
        yield Finding("warning", "scheme", "http: give Twilio an https URL")
    yield from _probe_challenge(bare, settings, transport)
    yield _probe_answer(url, settings, transport)
    if settings.requires_signature:
        yield _probe_forgery(url, settings, transport)


def _probe_challenge(url: str, settings: Settings, transport: Transport) -> Iterator[Finding]:
    """Check the challenge: if it has no realm, Twilio never sends the credentials."""
    if not settings.credentials:
        return
    request = OutgoingRequest(method="POST", url=url, headers=(), body=b"", connect_timeout_s=5, read_timeout_s=15)
    try:
        answer = transport(request)
    except OSError as error:
        yield Finding("error", "connection", f"{error}")
        return
    challenge = answer.header("www-authenticate")
    if answer.status != 401:
        yield Finding("error", "challenge", f"a request without credentials is answered with {answer.status}, not 401")
    elif not challenge.lower().startswith("basic realm="):
        yield Finding("error", "challenge", "the 401 has no WWW-Authenticate realm: a gateway renames or drops it")
    elif f'"{REALM}"' not in challenge:
        yield Finding("warning", "challenge", f"the challenge is not this application's: {challenge}")
    else:
        yield Finding("ok", "challenge", "the 401 arrives with its realm")


def _probe_answer(url: str, settings: Settings, transport: Transport) -> Finding:
    target, webhook = _served_at(url, settings)
    form = Form([("AccountSid", target.account_sid), ("Probe", "twiml-app check")])
    try:
        answer = target.caller(transport).call(webhook, form).response
    except CallError as error:
        return Finding("error", "answer", f"{error.problem} (the log of the application says why)")
    media_type = answer.content_type.partition(";")[0].strip().lower()
    if media_type not in ("text/xml", "application/xml"):
        return Finding(
            "error", "answer", f"the content type is {media_type or 'missing'}, not text/xml: a proxy changes it"
        )
    return Finding("ok", "answer", f"an authenticated request is answered with {answer.status} and {media_type}")


def _probe_forgery(url: str, settings: Settings, transport: Transport) -> Finding:
    """Check that a signature made with another token is refused."""
    target, webhook = _served_at(url, settings)
    try:
        Caller(transport, token="forged").call(webhook, Form([("AccountSid", target.account_sid)]))  # noqa: S106
    except CallError as error:
        if error.status == 403:
            return Finding("ok", "forgery", "a wrong signature is refused")
        return Finding("error", "forgery", error.problem)
    return Finding("error", "forgery", "a wrong signature is accepted: the URL is not served with these settings")


def _served_at(url: str, settings: Settings) -> tuple[ServedApp, Webhook]:
    target = ServedApp(url.partition("#")[0], settings)
    return target, Webhook(url=url) if "@" in urlsplit(url).netloc else target.webhook("")
