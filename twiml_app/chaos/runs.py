"""One run of a conversation, undisturbed or with a fault at each of its texts, and what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..emulator import EmulatedPhone, EmulatedReply, Fault
from ..handler_errors import collect_errors, describe_error
from .program import TriedApp
from .recorded import Conversation, RecordedText
from .trials import RESTART, Trial

#: Faults that happen to all messages in transit, or to all callbacks, instead of to one thing for each text.
_LASTING = ("status-reorder", "status-before-answer", "message-other-number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A text of the person, and what came of it."""

    text: str
    #: The texts of the replies, with the number of their media files.
    replies: tuple[str, ...]
    #: The replies to each further message that a fault made of the text.
    further: tuple[tuple[str, ...], ...]
    #: The replies to the same text when the program should have refused it.
    refused: tuple[str, ...]
    #: The longest time that the program took, in seconds, and how often a handler ran to its end.
    seconds: float
    handled: int
    #: What Twilio's debugger reports, and the exceptions of handlers.
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was seen of a conversation."""

    turns: tuple[Turn, ...]
    #: The recipient and the text of each message that was sent through the REST API, in order.
    sent: tuple[tuple[str, str], ...]
    #: The number of replies to each text that was sent automatically, and the most runs of a handler for one of them.
    automatic: tuple[int, ...]
    #: Whether all deliveries, messages and work came to an end; there are no more turns after one that did not.
    is_over: bool
    statuses: int
    #: The methods of the requests to the REST API.
    methods: frozenset[str]


@dataclass(slots=True)
class _Seen:
    """The replies to one text, before the end of the run."""

    text: RecordedText
    reply: EmulatedReply
    refused: list[str]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Player:
    """Plays a conversation to a program."""

    program: TriedApp
    conversation: Conversation
    contact: str
    trial: Trial | None = None
    #: How slow the fault ``api-slow`` is, in seconds of real time.
    slow_api_s: float = 5.0
    _seen: list[_Seen] = field(default_factory=list)

    def play(self) -> Run:
        """Play it to its end.

        Raises: whatever the program raises that no Twilio would see.
        """
        program = self.program
        program.begin(self.conversation)
        methods_before = len(program.emulator.requests)
        phone = program.emulator.phone(self.contact, number=self.conversation.number)
        is_over = all(self._take_turn(phone, index) for index in range(len(self.conversation.texts)))
        is_over = is_over and program.finish()
        requests = program.emulator.requests[methods_before:]
        return self._seen_of(is_over, frozenset(request.method for request in requests))

    def _take_turn(self, phone: EmulatedPhone, index: int) -> bool:
        """Send a text, let everything happen that follows from it, and wait; return whether that came to an end."""
        text, refused = self.conversation.texts[index], []
        if self.trial and self.trial.name == RESTART and index:
            self.program.restart()
        with collect_errors() as errors:
            if self.trial and self.trial.promise == "refused":
                with self._fault(index):
                    refused = phone.text(text.body, media=text.media).texts
                self.program.pause()
                reply = phone.text(text.body, media=text.media)
                is_over = self.program.settle()
            else:
                with self._fault(index):
                    reply = phone.text(text.body, media=text.media)
                    is_over = self.program.settle()
        raised = tuple(describe_error(error)[0] for error in errors)
        self._seen.append(_Seen(text, reply, refused, raised))
        return self.program.pause() and is_over

    @contextmanager
    def _fault(self, index: int) -> Iterator[None]:
        """Let the fault of the trial happen meanwhile, if it is one of the emulator's."""
        trial = self.trial
        if trial is None or trial.name == RESTART or (trial.name == "api-slow" and index):
            yield
            return
        with self.program.emulator.faults.during(self._made(trial)):
            yield

    def _made(self, trial: Trial) -> Fault:
        is_webhook, is_lasting = trial.place == "webhook", trial.promise in ("refused", "lost")
        return Fault(
            trial.name,
            count=None if is_lasting or trial.name in _LASTING else 1,
            contact=self.contact if trial.place != "api" else "",
            event="message" if is_webhook else "",
            path=trial.path,
            seconds=self.slow_api_s if trial.name == "api-slow" else 0.0,
        )

    def _seen_of(self, is_over: bool, methods: frozenset[str]) -> Run:
        outbox, watched = self.program.emulator.outbox, self.program.watched
        known = {each.inbound.sid for seen in self._seen for each in (seen.reply, *seen.reply.further)}
        others: dict[str, int] = {}
        for message in outbox:
            if message.in_reply_to and message.in_reply_to not in known:
                others[message.in_reply_to] = others.get(message.in_reply_to, 0) + 1
        own = [message for message in outbox if message.direction == "outbound-api"]
        return Run(
            turns=tuple(self._turn(seen) for seen in self._seen),
            sent=tuple(("the contact" if each.to == self.contact else each.to, each.body) for each in own),
            automatic=tuple(others.values()),
            is_over=is_over,
            statuses=watched.statuses,
            methods=methods,
        )

    def _turn(self, seen: _Seen) -> Turn:
        sid, watched = seen.reply.inbound.sid, self.program.watched
        entries = [entry for entry in self.program.emulator.debugger if entry.message_sid == sid]
        return Turn(
            text=seen.text.body,
            replies=_texts(seen.reply),
            further=tuple(_texts(each) for each in seen.reply.further),
            refused=tuple(seen.refused),
            seconds=watched.seconds.get(sid, 0.0),
            handled=max((count for (handled, _), count in watched.handled.items() if handled == sid), default=0),
            problems=(*seen.errors, *(f"{entry.code} {entry.text}" for entry in entries)),
        )


def _texts(reply: EmulatedReply) -> tuple[str, ...]:
    """Return the texts of the replies, with the number of their media files."""
    return tuple(
        message.body + (f" [{message.num_media} media]" if message.num_media else "") for message in reply.messages
    )
