"""Kills, retries and copies: what a person sees is what an undisturbed run would have sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations.chats import Chat, Killed, message
from twiml_app import InboundMessage, Router
from twiml_app.conversations import Dialog, Dialogs, ask, step
from twiml_app.errors import StepFailed
from twiml_app.pending import Collection, Effect, collection

#: What a dialog does: asks for a text or a number, runs a step that succeeds or fails, asks for work.
ACTIONS = st.lists(st.sampled_from(["ask", "int", "step", "broken step", "work"]), max_size=7)
#: What happens to a text: it arrives again, and the process is killed at some of the points where it could be.
FATES = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 8), max_size=2)), min_size=9, max_size=9)


@dataclass
class Steps:
    """The steps of a program: how often each was run, by its key."""

    keys: list[str] = field(default_factory=list)

    def run(self, name: str, *, idempotency_key: str = "") -> str:
        """Run a step."""
        self.keys.append(idempotency_key)
        if name.startswith("broken"):
            raise ValueError(name)
        return f"done {name}"


def program(actions: Sequence[str], steps: Steps) -> Router:
    """Return a program whose dialog does some actions, and says what it got."""
    router = Router()

    @router.dialog("begin", name="actions")
    def talk(message: InboundMessage) -> Dialog:
        got = list[Any]()
        for index, action in enumerate(actions):
            if action == "ask":
                got.append((yield f"{got}, text {index}?"))
            elif action == "int":
                got.append((yield from ask(f"{got}, number {index}?", int)))
            elif action == "work":
                ask_for_work(index)
            else:
                try:
                    got.append((yield from step(steps.run, f"{action} {index}")))
                except StepFailed as error:
                    got.append(str(error))
        return f"the end: {got}"

    return router


def ask_for_work(index: int) -> None:
    """Ask for work."""
    pending = collection()
    assert pending
    pending.add(Effect("work", {"index": index}, write=lambda _: None, committed=lambda: None))


class Webhooks(Chat):
    """A chat over a journal: an answered webhook gets its stored reply, and what was asked for is stored with it."""

    def __init__(self, router: Router) -> None:
        super().__init__(router)
        self.replies: dict[str, Any] = {}
        self.work: list[Any] = []
        #: After how many points the process is killed.
        self.kills: list[int] = []

    def deliver(self, body: str, sid: str, after: float) -> Any:
        """Call the webhook until it answers."""
        self.now += after
        while sid not in self.replies:
            try:
                with Collection() as collected:
                    self._answer(body, sid)
                assert not collected.effects
            except Killed:
                continue
        return self.replies[sid]

    def _answer(self, body: str, sid: str) -> None:
        turn = self.turn(message(body, sid))
        assert turn is not None
        self._survive()
        self._store(turn.stored)
        self.replies[sid] = turn.reply
        self._survive()

    def _save(self, stored: Any, *, with_effects: bool) -> None:
        self._survive()
        self._store(stored, with_effects=with_effects)
        self._survive()

    def _store(self, stored: Any, *, with_effects: bool = True) -> None:
        """Store the dialog and what was asked for in one commit."""
        pending = collection()
        assert pending
        super()._save(stored, with_effects=with_effects)
        if not with_effects:
            return
        self.work += [effect.summary["index"] for effect in pending.effects]
        pending.effects.clear()

    def _survive(self) -> None:
        if self.kills and self.kills[0] == 0:
            self.kills.pop(0)
            raise Killed
        self.kills[:1] = [each - 1 for each in self.kills[:1]]


def answers_to(actions: Sequence[str]) -> list[str]:
    """Return the texts of a person."""
    return ["begin", *(f"{index}" for index, action in enumerate(actions) if action in ("ask", "int"))]


@settings(deadline=None, max_examples=150)
@given(ACTIONS, FATES)
def test_person_sees_an_undisturbed_conversation(actions: list[str], fates: list[tuple[bool, list[int]]]) -> None:
    """Each text leads to the same reply, however often it arrives and wherever the process is killed."""
    undisturbed, steps = Webhooks(program(actions, Steps())), Steps()
    disturbed = Webhooks(program(actions, steps))

    for index, (body, (is_copied, kills)) in enumerate(zip(answers_to(actions), fates, strict=False)):
        expected = undisturbed.deliver(body, f"SM{index}", 10)
        disturbed.kills = kills
        assert disturbed.deliver(body, f"SM{index}", 8) == expected
        if is_copied:
            assert disturbed.deliver(body, f"SM{index} again", 2) is None

    assert disturbed.work == undisturbed.work == [index for index, each in enumerate(actions) if each == "work"]
    assert len(set(steps.keys)) == sum("step" in action for action in actions)


@settings(deadline=None, max_examples=100)
@given(ACTIONS, st.data())
def test_open_dialog_fits_the_program_that_asked(actions: list[str], data: st.DataObject) -> None:
    """``check --conversations`` finds nothing where nothing has changed, and each question that was renamed."""
    chat = Webhooks(program(actions, Steps()))
    texts = answers_to(actions)
    for index in range(data.draw(st.integers(1, len(texts)))):
        chat.deliver(texts[index], f"SM{index}", 10)

    assert Dialogs(chat.router).problem(chat.open) == ""
    asked = [index for index, entry in enumerate(actions) if entry in ("ask", "int")]
    answered = len([entry for entry in chat.open.log if entry.kind == "answer"])
    if chat.open.open and asked:
        changed = list(actions)
        changed[asked[min(answered, len(asked) - 1)]] = "step"
        assert "stored is" in Dialogs(program(changed, Steps())).problem(chat.open)
