"""A replay stores nothing, and yet its messages follow one another."""

from __future__ import annotations

from tests.conversations.program import CONTACT, NUMBER, Counting
from tests.journal.program import Clock
from twiml_app import InboundMessage
from twiml_app.conversations.replayed import IDLE_S, MAX_REPLAYED, ReplayedConversations


def test_replayed_message_finds_the_state_of_the_one_before(program: Counting) -> None:
    """A replay of a conversation must give its recorded replies."""
    program.text("real")
    program.receiver.detach_journal()

    assert [program.text("one"), program.text("two")] == ["one", "one two"]
    assert (program.kept(), program.tickets()) == (1, 0)


def test_replay_forgets_soon() -> None:
    """The state of one replay must not be seen by the next."""
    clock = Clock()
    conversations = ReplayedConversations(clock)
    turn = conversations.begin(CONTACT, NUMBER)
    turn.conversation["name"] = "Ann"
    turn.effects()
    clock.now += IDLE_S
    assert dict(conversations.begin(CONTACT, NUMBER).conversation) == {"name": "Ann"}
    clock.now += 1

    assert dict(conversations.begin(CONTACT, NUMBER).conversation) == {}


def test_replay_remembers_a_limited_number() -> None:
    """A recording may hold any number of people."""
    conversations = ReplayedConversations(Clock())
    for number in range(MAX_REPLAYED + 1):
        turn = conversations.begin(str(number), NUMBER)
        turn.conversation["number"] = number
        turn.effects()

    assert dict(conversations.begin("0", NUMBER).conversation) == {}
    assert dict(conversations.begin("1", NUMBER).conversation) == {"number": 1}


def test_failed_handler_of_a_replay_changes_nothing(program: Counting) -> None:
    """As outside of a replay."""
    program.receiver.detach_journal()

    def fail(message: InboundMessage, _conversation: object) -> None:
        if message.body == "fail":
            raise ValueError("a bug")

    program.during = fail

    assert [program.text("one"), program.text("fail"), program.text("two")] == ["one", "500", "one two"]
