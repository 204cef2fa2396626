"""The dispatcher: claims messages that are due, calls the API outside of any transaction, and stores the outcome."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..addresses import SenderKind, channel_of, sender_kind
from ..errors import ConfigurationError, JournalError, JournalUnavailable, MediaError
from ..logs import log_event, mask
from .api import TIMEOUT_S, Answer, Api, SentMessage
from .content import local_path

if TYPE_CHECKING:
    from ..config import Settings
    from ..journal import Ending, SendRow, SendStore

#: Segments per second of each kind of sender, https://www.twilio.com/docs/messaging/api/message-resource and
#: https://support.twilio.com/hc/en-us/articles/115002943027; a service is as fast as its numbers, which only it knows.
PACE: dict[SenderKind, float] = {
    "long number": 1.0,
    "toll-free number": 3.0,
    "short code": 100.0,
    "whatsapp": 80.0,
    "channel": 1.0,
    "service": 1.0,
}
IDLE_S = 1.0
#: How many messages one call of ``run_due`` sends at most.
PORTION = 10
#: Waits before a message is tried again: the first, and the longest, in seconds.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
#: How often a message of unknown outcome is searched for, until Twilio answers, and how often it is sent again.
MAX_LOOKUPS, MAX_REPEATS = 5, 3
#: Clocks differ, and Twilio gives no fractions of a second.
_SLACK_S = 2.0

#: Returns why a message must not leave; None if it may. It runs in the transaction that claims the message.
RefusalOf = Callable[[Any, "SendRow", float], "Ending | None"]


#: Returns a link to a local file for a channel. Raises: MediaError; ConfigurationError.
FileUrl = Callable[[Path, str], str]


def refuse_files(path: Path, _channel: str) -> str:
    """Refuse a local file.

    Raises: ConfigurationError.
    """
    raise ConfigurationError("send", f"nothing serves the local file {path.name}")


def refuse_nothing(_execute: Any, _row: SendRow, _now: float) -> None:
    """Let every message leave."""


class Dispatcher:
    """Sends messages that are due, at the pace of each sender; several threads and machines may run it.

    ``status_url`` returns the status URL of a send under a base URL; ``clock`` returns seconds since 1970.
    """

    def __init__(
        self,
        store: SendStore,
        api: Api,
        settings: Settings,
        *,
        status_url: Callable[[str, str], str],
        clock: Callable[[], float] = time.time,
        refusal_of: RefusalOf = refuse_nothing,
        file_url: FileUrl = refuse_files,
    ) -> None:
        self._store = store
        #: Twilio, or an emulator.
        self.api = api
        self._pace = settings.pace
        self._status_url = status_url
        self._clock = clock
        self._refusal_of = refusal_of
        self._file_url = file_url
        #: Why the last ``run_due`` could send nothing; several threads may write it.
        self._problem = ""
        #: Called with the outcome of each attempt, and the segments of its message.
        self.count: Callable[[str, int], object] = lambda _outcome, _segments: None

    def run_due(self) -> float:
        """Send some of what is due, and return the seconds until the next call: 0 if there may be more."""
        try:
            wait_s = self._run_due()
        except (JournalError, ConfigurationError) as error:
            self._log_problem(str(error))
            return IDLE_S
        self._problem = ""
        return wait_s

    def _log_problem(self, problem: str) -> None:
        """Log why nothing can be sent, once until it changes or passes: this is tried again every second."""
        if problem != self._problem:
            self._problem = problem
            log_event(logging.ERROR, "sending", {"problem": problem})

    def send_now(self, send_id: str) -> bool:
        """Send one message if it may leave now; return whether an attempt was made.

        Raises: ConfigurationError; JournalUnavailable.
        """
        self.api.require()
        claimed = self._store.claim(self._clock(), self.pace_of, self._refusal_of, only=send_id)
        if isinstance(claimed, float):
            return False
        self._leave(claimed)
        return True

    def pace_of(self, sender: str) -> float:
        """Return the segments per second of a sender."""
        return self._pace.get(sender) or PACE[sender_kind(sender)]

    def _run_due(self) -> float:
        """Do what is due.

        Raises: ConfigurationError; JournalUnavailable.
        """
        due = self._store.what_is_due(self._clock())
        if due.ended:
            if lost := self._store.tidy(self._clock()):
                log_event(logging.WARNING, "sending", {"problem": "a process died while it was sending", "sends": lost})
            return 0.0
        if not any(due):
            return IDLE_S
        self.api.require()
        wait_s = self._send_portion() if due.waiting else IDLE_S
        for row in self._store.unknown(self._clock()) if due.unknown else ():
            self._look_for(row)
        return wait_s

    def _send_portion(self) -> float:
        for _ in range(PORTION):
            claimed = self._store.claim(self._clock(), self.pace_of, self._refusal_of)
            if isinstance(claimed, float):
                return claimed
            self._leave(claimed)
        return 0.0

    def _leave(self, row: SendRow) -> None:
        """Call the API for a message that was claimed, and store what became of it."""
        now = self._clock()
        if now > row.due_at - 2 * TIMEOUT_S:  # this process was suspended: another may already report it as unknown
            self._store.put_back(row, now, "it was claimed too long ago", now)
            return
        url = self._status_url(row.base_url, row.id) if row.base_url else ""
        try:
            answer = self.api.create(self._with_links(row), url, now)
        except (MediaError, ConfigurationError) as error:  # the file may be gone by now
            answer = Answer("failed", problem=str(error))
        try:
            self._keep(row, answer)
        except JournalUnavailable:  # once more, as otherwise nobody knows what became of it
            self._keep(row, answer)

    def _with_links(self, row: SendRow) -> SendRow:
        """Return a send with links to its local files, made now as they work for a day.

        Raises: MediaError; ConfigurationError.
        """
        if '"file:' not in row.media:
            return row
        channel = channel_of(row.contact)
        urls = [self._file_url(path, channel) if (path := local_path(url)) else url for url in json.loads(row.media)]
        return replace(row, media=json.dumps(urls))

    def _keep(self, row: SendRow, answer: Answer) -> None:
        """Store the answer of the API.

        Raises: JournalUnavailable.
        """
        now = self._clock()
        if answer.kind == "accepted":
            is_only_one = self._store.accept(row, answer.message_sid, answer.status, now)
            self._report(row, answer, "accepted" if is_only_one else "sent twice")
        elif answer.kind in ("busy", "not sent") and now < row.give_up_at:
            wait_s = answer.wait_s or min(_FIRST_WAIT_S * 2 ** min(row.attempts - 1, 10), _LONGEST_WAIT_S)
            is_busy = answer.kind == "busy"
            self._store.put_back(row, now + wait_s, answer.problem, now, blocks_sender=is_busy)
            self._report(row, answer, "waits")
        else:
            state = "unknown" if answer.kind == "unknown" else "failed"
            self._store.end(row, _ending(state, answer), now)
            self._report(row, answer, state)

    def _report(self, row: SendRow, answer: Answer, outcome: str) -> None:
        self.count(outcome, row.segments)
        _log(row, answer, outcome)

    def _look_for(self, row: SendRow) -> None:
        """Search Twilio's messages for one of unknown outcome; report what is found, or send it again if asked to."""
        try:
            sids = [each.sid for each in self.api.messages_to(row) if _is_like(each, row)]
        except OSError as error:
            if row.lookups + 1 < MAX_LOOKUPS:
                return
            log_event(logging.WARNING, "sending", {"send": row.id, "problem": error})
            self._store.settle(row, [], self._clock())
            return
        found = self._store.settle(row, sids, self._clock())
        may_repeat = row.if_unknown == "repeat" and row.repeats < MAX_REPEATS and self._clock() < row.give_up_at
        if not found and may_repeat:
            self._store.repeat(row, self._clock())


def _is_like(message: SentMessage, row: SendRow) -> bool:
    """Return whether a message may be the one of a send; the text of a template is not known here."""
    is_from = row.number in (message.from_, message.service)
    is_later = message.created_at >= row.attempted_at - _SLACK_S
    return is_later and is_from and message.to == row.contact and message.body == row.body and not row.template


def _ending(state: str, answer: Answer) -> Ending:
    from ..journal import Ending  # not at the top: handlers import this package, and need no database

    return Ending(state, answer.problem, answer.error_code)


def _log(row: SendRow, answer: Answer, outcome: str) -> None:
    """Log what became of an attempt, without its text."""
    level = logging.INFO if outcome == "accepted" else logging.WARNING
    fields = {"send": row.id, "sid": answer.message_sid, "outcome": outcome, "error_code": answer.error_code}
    log_event(level, "send", fields | {"problem": answer.problem, "from": mask(row.number), "to": mask(row.contact)})
