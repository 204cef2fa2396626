"""Dialogs: questions, answers, and running again over what is stored."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from tests.conversations.chats import Chat
from twiml_app import Conversation, InboundMedia, InboundMessage, Media, Message, Router
from twiml_app.conversations import Dialog, Dialogs, ask, choice, step
from twiml_app.errors import DialogElsewhere, DialogError, NoAnswer, StepFailed
from twiml_app.pending import Collection, Effect, collection

EFFECT = Effect("work", {"function": "report"}, write=lambda _: None, committed=lambda: None)


class Shop:
    """A program with a dialog that orders something; it counts its orders."""

    def __init__(self) -> None:
        self.router = Router()
        self.orders: list[str] = []
        self.failing = ""

        @self.router.dialog("sign up", name="signup", cancel="never mind", cancelled="As you like.")
        def signup(message: InboundMessage) -> Dialog:
            name = yield "What is your name?"
            size = yield from ask(
                "Which size?", choice("small", "Large"), reprompt="Small or large, please.", attempts=3
            )
            order = yield from step(self.order, message.contact, size)
            if self.failing == "after the step":
                raise ValueError("a bug")
            return f"Thanks, {name}. Order {order} is on its way."

    def order(self, contact: str, size: str, *, idempotency_key: str = "") -> int:
        """Order something."""
        self.orders.append(f"{contact} {size} {idempotency_key}")
        if self.failing == "in the step":
            raise ValueError("sold out")
        return len(self.orders)


@pytest.fixture
def shop() -> Shop:
    """A program with a dialog."""
    return Shop()


def test_dialog_reads_as_it_runs(shop: Shop) -> None:
    """Each answer runs the function again, up to its next question."""
    chat = Chat(shop.router)

    assert chat.text("Sign up!") == "What is your name?"
    assert chat.text(" Ann ") == "Which size?"
    assert chat.text("LARGE.") == "Thanks, Ann. Order 1 is on its way."
    assert shop.orders == ["+15005550001 Large signup:SM1:2"]
    assert chat.text("hello") == "not for the dialog"


def test_text_that_does_not_answer_gets_the_reprompt(shop: Shop) -> None:
    """Only so often: nobody should be caught in a question."""
    chat = Chat(shop.router)
    chat.text("sign up")
    chat.text("Ann")

    assert [chat.text("medium"), chat.text("no idea")] == ["Small or large, please."] * 2
    assert chat.text("what?") == "Sorry, I did not understand that. Text us again at any time."
    assert chat.stored is None


def test_dialog_may_go_on_without_an_answer() -> None:
    """NoAnswer is an exception like any other, also when the dialog runs again."""
    router = Router()

    @router.dialog("count", name="count")
    def count(message: InboundMessage) -> Dialog:
        try:
            number = yield from ask("How many?", int, attempts=1)
        except NoAnswer:
            number = 0
        name = yield "Name?"
        return f"{number} for {name}"

    chat = Chat(router)

    assert [chat.text("count"), chat.text("a few"), chat.text("Ann")] == ["How many?", "Name?", "0 for Ann"]


@pytest.mark.parametrize("body", ["never mind", "Never  mind!"])
def test_cancel_word_ends_the_dialog(shop: Shop, body: str) -> None:
    """A word of the program, since Twilio takes CANCEL as STOP."""
    chat = Chat(shop.router)
    chat.text("sign up")

    assert chat.text(body) == "As you like."
    assert chat.stored is None


@pytest.mark.parametrize("body", ["HELP", "info", "Liked “What is your name?”"])
def test_reaction_or_help_is_neither_an_answer_nor_an_attempt(shop: Shop, body: str) -> None:
    """They reach the handlers that they reach without a dialog."""
    chat = Chat(shop.router)
    chat.text("sign up")

    assert chat.text(body) == "not for the dialog"
    assert chat.text("Ann") == "Which size?"


def test_late_answer_gets_the_text_for_that(shop: Shop) -> None:
    """The default handler would not know what the contact talks about."""
    chat = Chat(shop.router)
    chat.text("sign up")

    assert chat.text("Ann", after=72 * 3600.0) == "Sorry, that took too long. Please start again."
    assert chat.text("sign up") == "What is your name?"


def test_each_question_starts_the_time_again() -> None:
    """Expiry is about one question, not about the whole dialog."""
    router = Router()

    @router.dialog("talk", name="talk", expires=timedelta(minutes=1), expired="Too late.")
    def talk(message: InboundMessage) -> Dialog:
        yield "One?"
        yield "Two?"
        return "Done"

    chat = Chat(router)

    assert [chat.text("talk"), chat.text("1", after=50), chat.text("2", after=50)] == ["One?", "Two?", "Done"]
    assert [chat.text("talk"), chat.text("1", after=60)] == ["One?", "Too late."]


def test_text_that_arrives_twice_under_two_sids_is_one_answer(shop: Shop) -> None:
    """Carriers deliver some texts twice; the second one would answer the next question."""
    chat = Chat(shop.router)
    replies = [chat.text(body, after=after) for body in ("sign up", "Ann", "large") for after in (10.0, 2.0)]

    assert replies == ["What is your name?", None, "Which size?", None, "Thanks, Ann. Order 1 is on its way.", None]
    assert len(shop.orders) == 1


def test_text_that_arrives_too_early_does_not_answer(shop: Shop) -> None:
    """It was written before its question was read."""
    chat = Chat(shop.router)
    chat.text("sign up")

    assert chat.text("now please", after=2.9) == "What is your name?"
    assert chat.text("Ann", after=0.2) == "Which size?"


def test_log_says_that_a_text_was_too_early(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Who tries a dialog by hand answers quickly, and sees the same question again and again."""
    caplog.set_level(logging.INFO, "twiml_app")
    chat = Chat(shop.router)
    chat.text("sign up")
    chat.text("Ann", after=1.0)

    assert "came less than 3 s after the question" in caplog.text
    assert "setting=TWIML_EARLY_ANSWER_S" in caplog.text


def test_without_a_limit_every_text_answers(shop: Shop) -> None:
    """Tests and replays answer in their own time."""
    chat = Chat(shop.router, early_s=0.0)

    assert [chat.text(body, after=0) for body in ("sign up", "sign up", "large")] == [
        "What is your name?",
        "Which size?",
        "Thanks, sign up. Order 1 is on its way.",
    ]


def test_bad_answer_that_arrives_twice_is_one_attempt(shop: Shop) -> None:
    """The copy is no new try."""
    chat = Chat(shop.router)
    for body in ("sign up", "Ann", "medium"):
        chat.text(body)

    assert chat.text("medium", after=1) is None
    assert chat.text("huge") == "Small or large, please."


def collecting() -> Router:
    """Return a program that joins the texts of one thought."""
    router = Router()

    @router.dialog("complain", name="complain")
    def complain(message: InboundMessage) -> Dialog:
        what = yield from ask("What happened?", collect_s=4)
        where = yield "Where?" if "cold" not in what else "Where was it cold?"
        return f"{what!r} at {where}"

    return router


def test_texts_of_one_thought_are_joined() -> None:
    """People send one thought in three texts; the next question is not repeated for each of them."""
    chat = Chat(collecting())
    chat.text("complain")

    assert chat.text("It was late") == "Where?"
    assert chat.text("and cold", after=3.5) == "Where was it cold?"
    assert chat.text("very cold", after=3.5) is None
    assert chat.text("Main Street", after=4) == "'It was late\\nand cold\\nvery cold' at Main Street"
    assert chat.names == ["asked", "asked", "asked", "joined", "finished"]


def test_copy_is_not_joined() -> None:
    """A text that arrives twice is no second half."""
    chat = Chat(collecting())
    for body in ("complain", "It was late"):
        chat.text(body)

    assert chat.text("It was late", after=1) is None
    assert chat.text("", after=1, MediaUrl0="https://example.com/1") == "Where?"
    assert chat.text("Main Street") == "'It was late' at Main Street"


def test_answer_that_was_used_is_not_joined_to() -> None:
    """What a step or work has been given cannot change any more."""
    router = Router()

    @router.dialog("complain", name="complain")
    def complain(message: InboundMessage) -> Dialog:
        what = yield from ask("What happened?", collect_s=4)
        yield from step(str, what)
        yield "Where?"
        return what

    chat = Chat(router)
    for body in ("complain", "It was late"):
        chat.text(body)

    assert chat.text("and cold", after=1) == "Where?"


def test_webhook_that_is_called_again_gets_the_same_question(shop: Shop) -> None:
    """Twilio repeats a webhook with the same MessageSid."""
    chat = Chat(shop.router)
    chat.text("sign up")
    chat.text("Ann", sid="SM2")

    assert chat.text("Ann", sid="SM2", after=20) == "Which size?"
    assert chat.names[-1] == "asked again"


def test_dialog_that_fails_keeps_its_question(shop: Shop) -> None:
    """It answers like a handler that raises, and the next text answers the same question."""
    router = Router()
    failing = [True]

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        name = yield "Name?"
        if failing:
            raise ValueError("a bug")
        return f"Hi {name}"

    chat = Chat(router)
    chat.text("talk")
    with pytest.raises(ValueError, match="a bug"):
        chat.text("Ann")
    failing.clear()

    assert chat.text("Bob") == "Hi Bob"


def test_result_of_a_step_survives_a_failure_in_the_same_turn(shop: Shop) -> None:
    """The order was made: the retry must not make another one."""
    chat = Chat(shop.router)
    for body in ("sign up", "Ann"):
        chat.text(body)
    shop.failing = "after the step"
    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            chat.text("large", sid="SM3")
    shop.failing = ""

    assert chat.text("large", sid="SM3") == "Thanks, Ann. Order 1 is on its way."
    assert len(shop.orders) == 1


def test_text_after_an_interrupted_turn_gets_the_question_that_nobody_has_seen(shop: Shop) -> None:
    """It cannot be the answer to it."""
    router, failing = Router(), [True]

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        yield from step(str, "first")
        if failing:
            raise ValueError("a bug")
        name = yield "Name?"
        return f"Hi {name}"

    chat = Chat(router)
    with pytest.raises(ValueError, match="a bug"):
        chat.text("talk")
    assert Dialogs(router).problem(chat.open) == ""
    failing.clear()

    assert [chat.text("hello?"), chat.text("Ann")] == ["Name?", "Hi Ann"]


def test_problem_of_an_open_dialog_is_found_without_running_steps(shop: Shop) -> None:
    """``check --conversations`` asks for it before a deployment."""
    chat = Chat(shop.router)
    for body in ("sign up", "Ann"):
        chat.text(body)

    assert Dialogs(shop.router).problem(chat.open) == ""
    assert Dialogs(version(1, "Your name?")).problem(chat.open) == (
        "stored is 'text: What is your name?', but the program now has 'text: Your name?'"
    )
    assert Dialogs(Router()).problem(chat.open) == "its version is not registered"
    chat.text("small")
    assert Dialogs(Router()).problem(chat.open) == ""
    assert len(shop.orders) == 1


def test_step_that_fails_runs_again_with_the_same_key(shop: Shop) -> None:
    """Nobody caught the exception, so the contact or Twilio tries again."""
    chat = Chat(shop.router)
    for body in ("sign up", "Ann"):
        chat.text(body)
    shop.failing = "in the step"
    with pytest.raises(StepFailed, match="ValueError: sold out") as failed:
        chat.text("large")
    shop.failing = ""

    assert isinstance(failed.value.__cause__, ValueError)
    assert chat.text("small") == "Thanks, Ann. Order 2 is on its way."
    assert [order.split()[2] for order in shop.orders] == ["signup:SM1:2"] * 2


def caught() -> tuple[Router, list[str]]:
    """Return a program that catches the exceptions of its steps, and what it called."""
    router, called = Router(), list[str]()

    def broken(name: str) -> None:
        called.append(name)
        raise ValueError(name)

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        try:
            yield from step(broken, "first")
        except StepFailed as error:
            problem = str(error)
        name = yield f"{problem}?"
        yield from step(broken, "second")
        return name

    return router, called


def test_exception_of_a_step_is_stored() -> None:
    """A dialog that caught it goes the same way again, with the same exception."""
    router, called = caught()
    chat = Chat(router)

    assert chat.text("talk") == "ValueError: first?"
    for _ in range(2):
        with pytest.raises(StepFailed, match="second"):
            chat.text("Ann")
    assert called == ["first", "second", "second"]


def test_dialog_may_raise_an_exception_of_its_own_instead() -> None:
    """The failure of the step stays stored: the dialog knew about it."""
    router, called = Router(), list[str]()

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        try:
            yield from step(called.remove, "nothing")
        except StepFailed as error:
            raise StepFailed("another problem") from error
        return "Done"

    chat = Chat(router)
    with pytest.raises(StepFailed, match="another problem"):
        chat.text("talk")

    assert [entry.kind for entry in chat.open.log] == ["failure"]


@pytest.mark.parametrize("result", [{1: 2}, (1, 2), {1}, float("nan"), object()], ids=lambda each: type(each).__name__)
def test_result_that_json_cannot_keep_fails_at_once(result: Any) -> None:
    """Otherwise it would fail or be different when the dialog runs again."""
    router = Router()

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        yield from step(lambda: result)
        return "Done"

    with pytest.raises(DialogError, match="the result of a step is"):
        Chat(router).text("talk")


def test_argument_that_json_cannot_keep_fails_at_once() -> None:
    """It could not be compared when the dialog runs again."""
    router = Router()

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        yield from step(repr, message)
        return "Done"

    with pytest.raises(DialogError, match="an argument of a step is InboundMessage"):
        Chat(router).text("talk")


def test_step_may_be_given_arguments_by_name() -> None:
    """They are compared as well."""
    router = Router()

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        total = yield from step(sum, [1, 2], start=3)
        yield "Go on?"
        return str(total)

    chat = Chat(router)
    chat.text("talk")

    assert chat.text("yes") == "6"


def asking(effects: int = 1) -> Router:
    """Return a program that asks for work before, between and after its questions, and in a step."""
    router = Router()

    def ask_for_work() -> None:
        pending = collection()
        assert pending
        for _ in range(effects):
            pending.add(EFFECT)

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        ask_for_work()
        yield "One?"
        ask_for_work()
        yield from step(ask_for_work)
        yield "Two?"
        ask_for_work()
        return "Done"

    return router


def test_work_is_asked_for_once() -> None:
    """The function runs again from its first line at every answer."""
    chat, counts = Chat(asking()), list[int]()
    for body in ("talk", "1", "2"):
        with Collection() as collected:
            chat.text(body)
        counts.append(len(collected.effects))

    assert counts == [1, 2, 1]


def test_work_of_a_step_needs_a_store_like_any_other() -> None:
    """Outside of handlers it is stored at once, by whoever stores it."""
    router = Router()

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        yield from step(lambda: collection() and collection().add(EFFECT))  # type: ignore[union-attr]
        return "Done"

    assert Chat(router).text("talk") == "Done"


def test_nested_dialogs_ask_in_turn() -> None:
    """A dialog is a generator, so Python nests it."""
    router = Router()

    def address() -> Any:
        street = yield "Street?"
        city = yield "City?"
        return f"{street}, {city}"

    @router.dialog("move", name="move")
    def move(message: InboundMessage) -> Dialog:
        old = yield from address()
        new = yield from address()
        return f"{old} to {new}"

    chat = Chat(router)

    assert [chat.text(body) for body in ("move", "A", "B", "C", "D")][-1] == "A, B to C, D"


def test_dialog_that_does_not_end_is_stopped() -> None:
    """It would fill the database."""
    router = Router()

    @router.dialog("loop", name="loop")
    def loop(message: InboundMessage) -> Dialog:
        while True:
            yield from step(str)

    with pytest.raises(DialogError, match="more than 200 questions and steps"):
        Chat(router).text("loop")


def test_dialog_that_is_too_large_fails_before_it_asks() -> None:
    """The limit is that of the database's rows."""
    router = Router()

    @router.dialog("large", name="large")
    def large(message: InboundMessage) -> Dialog:
        yield from step(lambda: "x" * 70_000)
        return "Done"

    with pytest.raises(DialogError, match="65536"):
        Chat(router).text("large")


def test_questions_may_be_messages_or_several() -> None:
    """Whatever a handler may return, except markup."""
    router = Router()
    picture = Message("Like this?", Media("https://example.com/1"))

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Dialog:
        yield ["Hello.", picture]
        yield picture
        return None

    chat = Chat(router)

    assert [chat.text(body) for body in ("talk", "1", "2")] == [["Hello.", picture], picture, None]


@pytest.mark.parametrize("wrong", [1, None, [], object], ids=str)
def test_anything_else_is_not_a_question(wrong: Any) -> None:
    """The error says what to yield."""
    router = Router()

    @router.dialog("talk", name="talk")
    def talk(message: InboundMessage) -> Any:
        yield wrong

    with pytest.raises(DialogError, match="a dialog yields questions"):
        Chat(router).text("talk")


def test_captures_of_the_pattern_are_kept() -> None:
    """They and the first message are the same whenever the dialog runs."""
    router = Router()

    @router.dialog("order <int:count> <item>", name="order")
    def order(message: InboundMessage, count: int, item: str) -> Dialog:
        size = yield f"{count} {item}: which size?"
        return f"{size} {count * 2} {item} {message.body} {message.media[0].url} {message.query}"

    chat = Chat(router)
    chat.text("order 2 tea", MediaUrl0="https://example.com/1")

    assert chat.text("small") == "small 4 tea order 2 tea https://example.com/1 {}"


def test_media_are_an_answer() -> None:
    """A picture that arrives twice has two URLs, and is still one."""
    router = Router()

    @router.dialog("send", name="send")
    def send(message: InboundMessage) -> Dialog:
        receipt = yield from ask("A picture, please.", InboundMedia)
        yield "Thanks. Your name?"
        return receipt[0].url

    chat = Chat(router)
    chat.text("send")
    chat.text("", MediaUrl0="https://example.com/1", MediaContentType0="image/png")

    assert chat.text("", after=1, MediaUrl0="https://example.com/2", MediaContentType0="image/png") is None
    assert chat.text("Ann") == "https://example.com/1"


def test_dialog_may_declare_the_state_of_its_conversation() -> None:
    """It finds the state of its start whenever it runs again, and what it changes is changed once."""
    router = Router()

    @router.dialog("count", name="count")
    def count(message: InboundMessage, conversation: Conversation) -> Dialog:
        conversation["count"] = conversation.get("count", 0) + 1
        yield f"{conversation['count']}?"
        conversation["count"] *= 10
        yield f"{conversation['count']}?"
        return f"{conversation['count']}."

    chat = Chat(router)
    chat.state["count"] = 4

    assert [chat.text(body) for body in ("count", "a", "b")] == ["5?", "50?", "50."]
    assert dict(chat.state) == {"count": 50}


def version(number: int, *questions: str, name: str = "signup") -> Router:
    """Return a program with a version of a dialog."""
    router = Router()

    @router.dialog("sign up", name=name, version=number)
    def signup(message: InboundMessage) -> Dialog:
        answers = []
        for question in questions:
            answers.append((yield question))
        return " ".join(answers)

    return router


@pytest.mark.parametrize(
    "changed",
    [version(1, "Age?", "Name?"), version(1, "Your name?", "Age?"), version(1), version(2, "Name?", "Age?")],
    ids=["reordered", "renamed", "removed", "another version"],
)
def test_dialog_that_has_changed_starts_again(changed: Router, caplog: pytest.LogCaptureFixture) -> None:
    """The contact is told so, instead of getting an error."""
    chat = Chat(version(1, "Name?", "Age?"))
    for body in ("sign up", "Ann"):
        chat.text(body)
    chat = chat.with_program(changed)
    reply = chat.text("7")

    assert reply[0] == "Sorry, something changed on our side. Let us start again."
    assert reply[1:] == ([chat.question.partition(": ")[2]] if chat.question else [""])
    assert "dialog" in caplog.text


def test_dialog_that_is_gone_says_so() -> None:
    """There is nothing to start again."""
    chat = Chat(version(1, "Name?", "Age?"))
    chat.text("sign up")
    chat = chat.with_program(version(1, "Name?", name="other"))

    assert chat.text("Ann") == "Sorry, something changed on our side. Let us start again."
    assert chat.stored is None


def test_restart_may_have_nothing_to_ask() -> None:
    """Its first reply may be several messages, or none."""
    router = Router()

    @router.dialog("sign up", name="signup", version=2)
    def signup(message: InboundMessage) -> Dialog:
        yield from step(str)
        return None

    chat = Chat(version(1, "Name?"))
    chat.text("sign up")

    assert chat.with_program(router).text("Ann") == "Sorry, something changed on our side. Let us start again."


@pytest.mark.parametrize("other", [1, 3], ids=["older", "newer"])
def test_message_is_left_to_a_worker_that_has_the_version(other: int) -> None:
    """During a deployment, workers of both releases run."""
    chat = Chat(version(2, "Name?"), elsewhere=frozenset({("signup", 2)}))
    chat.text("sign up")

    with pytest.raises(DialogElsewhere, match="version 2 of the dialog signup is open, which this worker lacks"):
        chat.with_program(version(other, "Name?")).text("Ann")


def test_late_answer_needs_no_worker_that_has_the_version() -> None:
    """Each says that it took too long."""
    chat = Chat(version(2, "Name?"), elsewhere=frozenset({("signup", 2)}))
    chat.text("sign up")

    reply = chat.with_program(version(1, "Name?")).text("Ann", after=80 * 3600)
    assert reply == "Sorry, that took too long. Please start again."


def test_old_version_stays_until_its_dialogs_are_done() -> None:
    """It has no pattern, so no new dialog starts with it."""
    old, new = version(1, "Name?"), version(2, "First name?", "Last name?")
    router = Router(new)
    (dialog,) = old.dialogs
    router.dialog(name="signup", version=1)(dialog.handler)
    chat = Chat(old)
    chat.text("sign up")
    chat = chat.with_program(router)

    assert [chat.text("Ann"), chat.text("sign up")] == ["Ann", "First name?"]
