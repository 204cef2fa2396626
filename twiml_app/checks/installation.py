"""Checks of an installation: its settings, and what they lead to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from ..app import warnings_of
from ..assembly import TwimlState, assemble
from ..config import Settings
from ..conversations import check_dialogs
from ..errors import ConfigurationError, JournalError, TwimlAppError
from ..journal import ConversationStore, WorkArchive
from ..logs import format_time
from ..routing import Router
from ..sending import TwilioApi, can_send, credentials_of
from ..setting_readers import READERS
from .findings import Finding
from .handlers import check_routes
from .journal import check_journal
from .urls import mask_url

#: How long work may be overdue without a warning, in seconds.
_OVERDUE_S = 300.0
_SECRET = ("CREDENTIALS", "TOKEN", "KEY")
_DEFAULTS = {
    f"TWIML_{each.name.upper()}": str(each.default)
    for each in fields(Settings)
    if each.default is not MISSING and each.default not in ((), frozenset(), "", None)
} | {"TWIML_ACCOUNTS": "any"}


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
    return settings, [
        *(Finding("warning", "settings", line) for line in warnings_of(settings, state.router, values)),
        *_check_public_url(settings),
        *check_journal(state),
        *_check_sending(settings),
        *_check_waiting(state),
        *_check_work(state),
        *check_routes(state.router),
    ]


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
