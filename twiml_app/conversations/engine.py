"""The dialogs of a program: one starts, goes on, has expired, or is of a version that the program lacks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import DialogElsewhere
from ..events import InboundMessage
from ..logs import log_event
from ..routing import DialogOptions, DialogRoute, Router, opt_out_kind
from .answers import plain
from .one_message import OneMessage
from .runs import Arrival, DialogTurn, Differs, Run
from .stored import DialogStart, Entry, StoredDialog, text_of


class Dialogs:
    """The dialogs of a program; ``is_elsewhere`` returns whether another worker has a dialog, by name and version."""

    def __init__(
        self, router: Router, is_elsewhere: Callable[[str, int], bool] = lambda _name, _version: False
    ) -> None:
        self._is_elsewhere = is_elsewhere
        self._known = {route.key: route for route in router.dialogs}

    def begin(self, route: DialogRoute, arguments: Mapping[str, Any], arrival: Arrival) -> DialogTurn:
        """Start a dialog with the message that asked for it, and the captures of its pattern.

        Raises: any exception of the dialog.
        """
        options, message = route.options, arrival.message
        stored = StoredDialog(
            name=options.name,
            version=options.version,
            run=f"{options.name}:{message.message_sid}",
            form=tuple(message.form.items()),
            query=dict(message.query),
            arguments=dict(arguments),
            expires_at=arrival.now + options.expires_s,
            state=_state_at_start(route, arrival),
        )
        return _begun(route, stored, arrival)

    def start(
        self, route: DialogRoute, started: DialogStart, arguments: Mapping[str, Any], arrival: Arrival, key: str
    ) -> DialogTurn:
        """Start a dialog without a message; ``key`` is that of its first question.

        Raises: any exception of the dialog.
        """
        options = route.options
        stored = StoredDialog(
            name=options.name,
            version=options.version,
            run=f"{options.name}:{key}",
            form=(),
            query={},
            arguments=dict(arguments),
            expires_at=arrival.now + options.expires_s,
            state=_state_at_start(route, arrival),
            started=started,
            sent_as=key,
        )
        return _begun(route, stored, arrival)

    def resume(self, stored: StoredDialog, outcome: Entry, arrival: Arrival) -> DialogTurn:
        """Return what the end of the work leads to that a dialog waits for.

        Raises: DialogElsewhere; any exception of the dialog.
        """
        route = self.find(stored)
        if route is None or stored.expires_at <= arrival.now:
            self._leave(stored, arrival.now)
            return self._without(stored, route, arrival)
        try:
            return OneMessage(route, stored, arrival).resumed(outcome)
        except Differs as error:
            _log(stored, error)
            return _restarted(route, stored, arrival)

    def takes(self, stored: StoredDialog, arrival: Arrival) -> bool:
        """Return whether a message is for a dialog: an open one, or one whose last answer has arrived twice."""
        if stored.ended_at is None:
            return is_for_dialogs(arrival.message)
        return arrival.now - stored.ended_at < arrival.early_s and text_of(arrival.message) == stored.last_text

    def advance(self, stored: StoredDialog, arrival: Arrival) -> DialogTurn:
        """Return what a message leads to that the dialog takes.

        Raises: DialogElsewhere; any exception of the dialog.
        """
        message, now = arrival.message, arrival.now
        if stored.ended_at is not None:
            return DialogTurn(None, stored, "ignored")
        route = self.find(stored)
        if route is None or stored.expires_at <= now:
            self._leave(stored, now)
            return self._without(stored, route, arrival)
        if plain(message.body) in {plain(word) for word in route.options.cancel}:
            return DialogTurn(route.options.cancelled, None, "cancelled")
        try:
            return OneMessage(route, stored, arrival).turn()
        except Differs as error:
            _log(stored, error)
            return _restarted(route, stored, arrival)

    def problem(self, stored: StoredDialog) -> str:
        """Return why an open dialog cannot go on with this program, empty if it can; no step runs.

        Raises: any exception of the dialog.
        """
        if stored.ended_at is not None:
            return ""
        route = self.find(stored)
        if route is None:
            return "its version is not registered"
        run = Run(route, stored, Arrival(stored.message, 0.0, _save_nothing), durable=stored)
        try:
            run.to_the_end_of_the_log(checking=True)
        except Differs as error:
            return str(error)
        finally:
            run.close()
        return ""

    def find(self, stored: StoredDialog) -> DialogRoute | None:
        """Return the dialog of the program that is stored; None if the program lacks it."""
        return self.find_version(stored.name, stored.version)

    def find_version(self, name: str, version: int) -> DialogRoute | None:
        """Return a dialog of the program by name and version; None if the program lacks it."""
        return self._known.get((name, version))

    def _leave(self, stored: StoredDialog, now: float) -> None:
        """Leave a dialog that the program lacks to a worker that has it.

        Raises: DialogElsewhere.
        """
        is_lacking = self.find(stored) is None and stored.expires_at > now
        if is_lacking and self._is_elsewhere(stored.name, stored.version):
            raise DialogElsewhere(
                f"version {stored.version} of the dialog {stored.name} is open, which this worker lacks: another one"
                " must answer"
            )

    def newest(self, name: str) -> DialogRoute | None:
        """Return the newest version of a dialog; None if the program has none."""
        versions = [version for known, version in self._known if known == name]
        return self._known[name, max(versions)] if versions else None

    def _without(self, stored: StoredDialog, route: DialogRoute | None, arrival: Arrival) -> DialogTurn:
        """Answer where the dialog has expired, or the program does not have it any more."""
        route = route or self.newest(stored.name)
        options = route.options if route else DialogOptions(name=stored.name, version=stored.version)
        if stored.expires_at <= arrival.now:
            return DialogTurn(options.expired, None, "expired")
        _log(stored, "its version is not registered")
        return _restarted(route, stored, arrival) if route else DialogTurn(options.restart, None, "restarted")


def _save_nothing(_stored: StoredDialog | None, *, with_effects: bool) -> None:
    """Store nothing."""


def is_for_dialogs(message: InboundMessage) -> bool:
    """Return whether a message may answer a question, or start a dialog."""
    return message.reaction is None and opt_out_kind(message) != "HELP"


def _state_at_start(route: DialogRoute, arrival: Arrival) -> dict[str, Any]:
    """Return a copy of the conversation's state: every run over the stored answers begins with it."""
    return json.loads(json.dumps(dict(arrival.state))) if route.stateful else {}


def _begun(route: DialogRoute, stored: StoredDialog, arrival: Arrival) -> DialogTurn:
    run = Run(route, stored, arrival, durable=None)
    try:
        return run.on(run.to_the_end_of_the_log())
    finally:
        run.close()


def _restarted(route: DialogRoute, stored: StoredDialog, arrival: Arrival) -> DialogTurn:
    options, expires_at = route.options, arrival.now + route.options.expires_s
    afresh = replace(
        stored, version=options.version, run=f"{stored.run}+", log=(), open=None, expires_at=expires_at, sent_as=""
    )
    turn = _begun(route, afresh, arrival)
    return DialogTurn(_joined(options.restart, turn.reply), turn.stored, "restarted")


def _joined(first: str, reply: Any) -> Any:
    """Return a reply with a text before it."""
    if reply is None:
        return first
    return [first, *reply] if isinstance(reply, list | tuple) else [first, reply]


def _log(stored: StoredDialog, problem: object) -> None:
    fields = {"name": stored.name, "version": stored.version, "outcome": "restarted", "problem": problem}
    log_event(logging.WARNING, "dialog", fields)
