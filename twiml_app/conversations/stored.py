"""An open dialog as it is stored: its first message, the answers, the results of its steps, the open question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from ..errors import DialogError
from ..events import InboundMessage, parse_event
from ..webhook import Form

#: How many questions and steps one dialog may have, and how many bytes it may take.
MAX_ENTRIES, MAX_BYTES = 200, 65_536

EntryKind = Literal["answer", "no answer", "step", "failure", "work", "work failed"]


@dataclass(frozen=True, slots=True)
class DialogStart:
    """What a dialog gets instead of a message if the program started it."""

    #: The other person's address.
    contact: str
    #: Our number, or the messaging service that chooses one.
    sender: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A question that was answered, a step that has run, or work that a dialog waited for."""

    kind: EntryKind
    #: What was asked or called; running again must lead to the same.
    about: str
    #: The answer or the result, as JSON values; the text of the exception of a step that failed.
    value: Any = None
    #: The MessageSid of the answer.
    sid: str = ""
    #: The text of the answer, to recognize the same text under another MessageSid.
    text: str = ""
    #: Whether what was asked for before it is not stored yet: a step that failed may be tried again.
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """The question that waits for an answer."""

    about: str
    #: When it was asked last, in seconds since 1970.
    asked_at: float
    #: How many texts did not answer it.
    failed: int = 0
    #: The last of them.
    failed_text: str | None = None
    #: Whether nothing but this question came after the answer before it, so that the answer may still change.
    is_direct: bool = False
    #: The id of the work that the dialog waits for; empty for a question.
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class StoredDialog:
    """An open dialog."""

    name: str
    version: int
    #: Names this run of the dialog in idempotency keys.
    run: str
    #: The first message: its parameters, and those of the URL.
    form: tuple[tuple[str, str], ...]
    query: Mapping[str, str]
    #: The captures of the pattern.
    arguments: Mapping[str, Any]
    #: When it expires, in seconds since 1970.
    expires_at: float
    log: tuple[Entry, ...] = ()
    #: None while a turn is being computed, and after it was interrupted.
    open: OpenQuestion | None = None
    #: When it ended; None while it is open. An ended one is kept for a moment, for texts that arrive twice.
    ended_at: float | None = None
    #: The state of the conversation when the dialog started, as JSON values.
    state: Mapping[str, Any] = field(default_factory=dict)
    #: What started it, if no message did.
    started: DialogStart | None = None
    #: The key of the first question, if it was sent first.
    sent_as: str = ""

    @property
    def is_first(self) -> bool:
        """Whether its first question was sent first, and nothing was answered yet."""
        return bool(self.sent_as) and not any(entry.kind in ("answer", "no answer") for entry in self.log)

    @property
    def message(self) -> InboundMessage:
        """The first message."""
        return cast(InboundMessage, parse_event(Form(self.form), self.query))

    @property
    def last_text(self) -> str:
        """The text that was answered last."""
        if self.open and self.open.failed_text is not None:
            return self.open.failed_text
        answers = [entry.text for entry in self.log if entry.kind in ("answer", "no answer")]
        return answers[-1] if answers else "" if self.started else text_of(self.message)

    def added(self, entry: Entry) -> StoredDialog:
        """Return it with one more entry, and without an open question.

        Raises: DialogError, if that is too many.
        """
        if len(self.log) >= MAX_ENTRIES:
            raise DialogError(f"the dialog {self.name} has more than {MAX_ENTRIES} questions and steps: does it end?")
        return replace(self, log=(*self.log, entry), open=None)

    def settled(self) -> StoredDialog:
        """Return it for a commit that stores what was asked for until now."""
        if not any(entry.is_pending for entry in self.log):
            return self
        return replace(self, log=tuple(replace(entry, is_pending=False) for entry in self.log))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values.

        Raises: DialogError, if it is too large.
        """
        values = asdict(self)
        values["form"] = [[*pair] for pair in self.form]
        size = len(json.dumps(values))
        if size > MAX_BYTES:
            raise DialogError(f"the dialog {self.name} takes {size} bytes: answers and results may take {MAX_BYTES}")
        return values

    @classmethod
    def from_text(cls, text: str) -> StoredDialog:
        """Return a dialog that was stored as JSON."""
        return cls.from_json(json.loads(text))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> StoredDialog:
        """Return a dialog that was stored as JSON values."""
        given = dict(values)
        given["form"] = tuple((name, value) for name, value in given["form"])
        given["log"] = tuple(Entry(**entry) for entry in given["log"])
        given["started"] = DialogStart(**given["started"]) if given.get("started") else None
        given["open"] = OpenQuestion(**given["open"]) if given["open"] else None
        return cls(**given)


def text_of(message: InboundMessage) -> str:
    """Return what makes two messages the same to a person: carriers deliver some twice, under new MessageSids."""
    return f"{message.body.strip()} +{message.num_media}" if message.media else message.body.strip()
