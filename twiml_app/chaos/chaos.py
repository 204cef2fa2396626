"""Every recorded conversation, through every fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..receiver import TWILIO_WAIT_S
from .judging import Reference, judge, learn
from .program import TriedApp, quiet_log
from .recorded import Conversation
from .runs import Player, Run
from .trials import RESTART, TRIALS, Facts, Trial

#: The name of what is wrong without any fault.
UNDISTURBED = "undisturbed"
_TO_DO_FIRST = (
    "answer within Twilio's time (then= for what takes longer), and keep state in `conversation` or a dialog: without"
    " a fault, two people who text the same must get the same"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one fault in one conversation."""

    conversation: str
    fault: str
    #: What was wrong, and what to do; empty if nothing was.
    seen: str = ""
    advice: str = ""
    #: Why the fault was not tried; empty if it was.
    not_tried: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a program may take, and how slow a slow REST API is, in seconds."""

    answer_s: float = TWILIO_WAIT_S
    slow_api_s: float = 5.0


#: How many results there are for each conversation.
RESULTS = len(TRIALS) + 1


def try_all(program: TriedApp, conversations: Iterable[Conversation], limits: Limits | None = None) -> Iterator[Result]:
    """Yield a result for each conversation without a fault, and for each fault in it.

    Each run has another contact, so that it knows nothing of the others. What is wrong without a fault comes first,
    and the faults are not tried then.
    """
    tries = _Tries(program, limits or Limits())
    for conversation in conversations:
        with quiet_log():
            yield from tries.of(conversation)


class _Tries:
    """The runs of all conversations."""

    def __init__(self, program: TriedApp, limits: Limits) -> None:
        self._program = program
        self._limits = limits
        self._runs = 0

    def of(self, conversation: Conversation) -> Iterator[Result]:
        """Yield the results of one conversation."""
        if conversation.problem:
            yield from _none_tried(conversation, conversation.problem, first=True)
            return
        first = self._play(conversation)
        reference, problem = learn(first, self._play(conversation), self._limits.answer_s)
        yield Result(
            conversation=conversation.name,
            fault=UNDISTURBED,
            seen=problem,
            advice=_TO_DO_FIRST if problem else "",
        )
        if reference is None:
            yield from _none_tried(conversation, "it goes wrong without a fault: correct that first")
            return
        facts = self._facts(conversation, first)
        for trial in TRIALS.values():
            yield self._result(trial, facts, reference)

    def _result(self, trial: Trial, facts: Facts, reference: Reference) -> Result:
        name = facts.conversation.name
        if obstacle := trial.obstacle(facts):
            return Result(conversation=name, fault=trial.name, not_tried=obstacle)
        try:
            run = self._play(facts.conversation, trial)
        except ConfigurationError as error:
            if error.setting != RESTART:
                raise
            return Result(conversation=name, fault=trial.name, not_tried=error.problem)
        seen = judge(trial.promise, reference, run)
        return Result(conversation=name, fault=trial.name, seen=seen, advice=trial.advice if seen else "")

    def _play(self, conversation: Conversation, trial: Trial | None = None) -> Run:
        contact = conversation.contact_of_run(self._runs)
        self._runs += 1
        return Player(self._program, conversation, contact, trial, self._limits.slow_api_s).play()

    def _facts(self, conversation: Conversation, run: Run) -> Facts:
        return Facts(
            conversation=conversation,
            settings=self._program.settings,
            has_messages=bool(run.sent) or any(turn.replies for turn in run.turns),
            has_statuses=run.statuses > 0,
            can_restart=self._program.can_restart,
            methods=run.methods,
        )


def _none_tried(conversation: Conversation, reason: str, *, first: bool = False) -> Iterator[Result]:
    for name in (*([UNDISTURBED] if first else []), *TRIALS):
        yield Result(conversation=conversation.name, fault=name, not_tried=reason)
