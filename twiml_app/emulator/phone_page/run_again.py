"""Run a conversation again against the program as it is now, and say which answers changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ...errors import ConfigurationError, TwimlAppError
from ...exchanges import Exchange
from ...logs import logger
from ..context import Context
from ..program import Program, ProgramStatus, ReplayedAnswer
from .conversations import Pair
from .documents import BASE
from .events import EventLog
from .exchange import Document, PageAnswer, PageRequest, PageRule, answer, refusal
from .exports import PROGRAM_NOTE
from .recording import Recorder

WARNING = (
    "Handlers run for real: what they do to databases and other services happens again. In them, event.replayed is"
    " true. Nothing is sent to a phone."
)
#: The longest traceback that is shown, from its end, and how many lines of a diff.
MAX_DETAIL = 20_000
MAX_LINES = 200


class RunAgain:
    """Runs conversations again: when asked to, and one of them after every reload."""

    def __init__(self, context: Context, program: Program | None, recorder: Recorder, events: EventLog) -> None:
        self._context = context
        self._program = program
        self._recorder = recorder
        self._events = events
        self._running = threading.Lock()
        self._auto: Pair | None = None
        self._latest: Document | None = None
        self._generation = 0
        if program:
            self._generation = program.status().generation
            program.watch(self._note)

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/run", views={"POST": self.run})
        yield PageRule(path=f"{BASE}/auto-run", views={"POST": self.set_auto})

    def state(self) -> Document:
        """Return what the state of the page says of the program."""
        return {
            "program": _status_document(self._program.status()) if self._program else None,
            "program_note": "" if self._program else PROGRAM_NOTE,
            "auto_run": asdict(self._auto) if self._auto else None,
            "run": self._latest,
            "run_warning": WARNING,
        }

    def clear(self) -> None:
        """Run nothing automatically any more."""
        self._auto = self._latest = None

    def run(self, request: PageRequest) -> PageAnswer:
        """Run a conversation again.

        Raises: ApiError.
        """
        program = self._require_program()
        if not self._running.acquire(blocking=False):
            raise refusal("a conversation is being run again already: wait for it", 409)
        try:
            return answer(self._run(program, Pair(request.text("contact"), request.text("number"))))
        finally:
            self._running.release()

    def set_auto(self, request: PageRequest) -> PageAnswer:
        """Run a conversation again after every reload, or none any more.

        Raises: ApiError.
        """
        self._require_program()
        pair = Pair(request.text("contact"), request.text("number"))
        self._auto = pair if request.flag("on") else None
        shown = asdict(self._auto) if self._auto else None
        self._events.note("auto_run")
        return answer({"auto_run": shown})

    def _require_program(self) -> Program:
        """Return the program.

        Raises: ApiError, if it is not known.
        """
        if self._program is None:
            raise refusal(PROGRAM_NOTE, 409)
        return self._program

    def _note(self, status: ProgramStatus) -> None:
        """Show a new status of the program; if it was reloaded, run the chosen conversation again."""
        self._events.note("program")
        if status.state != "running" or status.generation == self._generation:
            return
        self._generation = status.generation
        if self._auto:
            arguments = (status.generation, self._auto)
            threading.Thread(target=self._run_after_reload, args=arguments, name="run again", daemon=True).start()

    def _run_after_reload(self, generation: int, pair: Pair) -> None:
        with self._running:
            if self._program is None or generation != self._generation or self._events.is_stopped:
                return  # reloaded meanwhile
            try:
                run = self._run(self._program, pair)
            except Exception:
                logger.exception("a conversation could not be run again")
                return
        self._latest = run
        self._events.note("run")

    def _run(self, program: Program, pair: Pair) -> Document:
        recorded = self._recorder.recorded(pair)
        exchanges = recorded.exchanges
        found: list[Document] = []
        error = ""
        try:
            answers = program.replay(self._recorder.lines(exchanges)) if exchanges else []
            found = [*_answer_documents(exchanges, answers)]
        except TwimlAppError as problem:
            error = problem.problem if isinstance(problem, ConfigurationError) else str(problem)
        return {
            "contact": pair.contact,
            "number": pair.number,
            "at": self._context.clock.now(),
            "generation": program.status().generation,
            "ran": len(found),
            "left_out": recorded.left_out,
            "error": error,
            "answers": found,
        }


def _answer_documents(exchanges: Sequence[Exchange], answers: Sequence[ReplayedAnswer]) -> Iterator[Document]:
    for exchange, replayed in zip(exchanges, answers, strict=False):
        yield {
            "sid": replayed.sid,
            "what": "status" if exchange.kind == "status" else exchange.endpoint,
            "status": exchange.form.get("MessageStatus", ""),
            "changed": bool(replayed.differences),
            "differences": list(replayed.differences[:MAX_LINES]),
        }


def _status_document(status: ProgramStatus) -> Document:
    return {"state": status.state, "detail": status.detail[-MAX_DETAIL:], "generation": status.generation}
