"""One message for an open dialog: it is an answer, it is not understood, or it comes too early."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import NoAnswer, StepFailed
from ..events import InboundMessage
from ..logs import log_event
from ..routing import DialogRoute
from .answers import TEXT
from .questions import Asked, as_asked, describe
from .runs import Arrival, DialogTurn, Run, answer_entry, no_answer
from .stored import Entry, OpenQuestion, StoredDialog, text_of


class OneMessage:
    """One message, and the open dialog that it is for."""

    def __init__(self, route: DialogRoute, stored: StoredDialog, arrival: Arrival) -> None:
        self._route = route
        self._stored = stored
        self._arrival = arrival

    def turn(self) -> DialogTurn:
        """Return what the message leads to.

        Raises: Differs; any exception of the dialog.
        """
        return self._ran(self._turn)

    def resumed(self, outcome: Entry) -> DialogTurn:
        """Return what the end of work leads to; ``outcome`` has its result or its error.

        Raises: Differs; any exception of the dialog.
        """
        value = StepFailed(outcome.value) if outcome.kind == "work failed" else outcome.value
        return self._ran(lambda run, item: run.on(run.answered(value, replace(outcome, about=describe(item)))))

    def _ran(self, lead: Callable[[Run, Any], DialogTurn]) -> DialogTurn:
        """Run over what is stored, and lead on from the open question.

        Raises: Differs; any exception of the dialog.
        """
        run = self._run(self._stored)
        try:
            return lead(run, run.to_the_end_of_the_log())
        except NoAnswer:
            return DialogTurn(self._route.options.gave_up, None, "gave up")
        finally:
            run.close()

    def _run(self, stored: StoredDialog) -> Run:
        return Run(self._route, stored, self._arrival, durable=self._stored)

    def _turn(self, run: Run, item: Any) -> DialogTurn:
        question, early_s = self._stored.open, self._arrival.early_s
        if question is None:  # the last turn was interrupted, so nobody has seen this question yet
            return run.on(item)
        if question.waits_for:
            return self._meanwhile(question)
        asked, since = as_asked(item), self._arrival.now - question.asked_at
        if self._message.message_sid in {entry.sid for entry in self._stored.log if entry.sid}:
            return DialogTurn(asked.prompt, self._stored, "asked again")
        if question.is_direct and early_s and run.asked_before and since < run.asked_before.collect_s:
            return self._joined_answer(asked)
        if since < early_s:
            return self._early(asked)
        return self._answer(run, item, asked)

    def _meanwhile(self, question: OpenQuestion) -> DialogTurn:
        """Return the turn of a text that arrives while the dialog waits for work."""
        is_early = self._arrival.now - question.asked_at < self._arrival.early_s
        if is_early and text_of(self._message) == self._stored.last_text:
            return DialogTurn(None, self._stored, "ignored")
        return DialogTurn(self._route.options.busy, self._stored, "waits")

    @property
    def _message(self) -> InboundMessage:
        return self._arrival.message

    def _early(self, asked: Asked[Any]) -> DialogTurn:
        early = f"the text came less than {self._arrival.early_s:g} s after the question, so it is no answer"
        fields = {"sid": self._message.message_sid, "name": self._stored.name, "problem": early}
        log_event(logging.INFO, "dialog", fields | {"setting": "TWIML_EARLY_ANSWER_S"})
        if text_of(self._message) == self._stored.last_text:
            return DialogTurn(None, self._stored, "ignored")
        return DialogTurn(asked.prompt, self._stored, "asked again")

    def _answer(self, run: Run, item: Any, asked: Asked[Any]) -> DialogTurn:
        value = asked.answer.read(self._message)
        if value is None:
            return self._not_understood(run, item, asked)
        entry = answer_entry("answer", item, self._message, asked.answer.to_json(value))
        return run.on(run.answered(value, entry))

    def _not_understood(self, run: Run, item: Any, asked: Asked[Any]) -> DialogTurn:
        question = self._stored.open
        if question is None or question.failed + 1 >= asked.attempts:
            entry = answer_entry("no answer", item, self._message)
            return run.on(run.answered(no_answer(asked.prompt), entry))
        question = replace(
            question,
            asked_at=self._arrival.now,
            failed=question.failed + 1,
            failed_text=text_of(self._message),
            is_direct=False,
        )
        prompt = asked.prompt if asked.reprompt is None else asked.reprompt
        return DialogTurn(prompt, replace(self._stored, open=question), "asked again")

    def _joined_answer(self, asked: Asked[Any]) -> DialogTurn:
        """Join the text to the answer before it, and run again from there; the same question is not sent twice."""
        *log, last = self._stored.log
        more = TEXT.read(self._message)
        if more is None or text_of(self._message) == last.text:
            return self._early(asked)
        entry = Entry("answer", last.about, f"{last.value}\n{more}", last.sid, text_of(self._message))
        run = self._run(replace(self._stored, log=(*log, entry), open=None))
        try:
            turn = run.on(run.to_the_end_of_the_log())
        finally:
            run.close()
        is_asked = turn.stored and turn.stored.open and self._stored.open
        if is_asked and turn.stored.open.about == self._stored.open.about:  # type: ignore[union-attr]
            return DialogTurn(None, turn.stored, "joined")
        return turn
