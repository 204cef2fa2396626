"""Whatever contacts text and people change, the local list refuses all that Twilio would refuse with 21610."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.consent.programs import Application
from twiml_app import Router
from twiml_app.caller import HttpTransport, RoutedTransport
from twiml_app.consent import Leaving, learn_from_error
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.opt_outs import OptOuts
from twiml_app.errors import ApiError
from twiml_app.journal import Archive
from twiml_app.served_app import in_process

ALONE, FIRST, SECOND = "+15017122661", "+15017122662", "+15017122663"
SERVICE = "MG" + "1" * 32
CONTACT = "+15558675310"
NUMBERS = st.sampled_from([ALONE, FIRST, SECOND])
SENDERS = (ALONE, FIRST, SECOND, SERVICE)
STOPS = ["STOP", "stop ", "Stop.", "STOP!", "unsubscribe", "“Quit”", " END\n", "optout", "Cancel,"]
NOW = 1_900_000_000.0


def start_emulator(application: Application) -> Emulator:
    """Return an emulator whose numbers the application answers: one alone, and two of a service."""
    target, transport = in_process(application.app)
    url = target.webhook(target.settings.message_path).url
    seed: dict[str, Any] = {
        "numbers": [{"phone_number": number, "sms_url": url} for number in (ALONE, FIRST, SECOND)],
        "services": [{"sid": SERVICE, "numbers": [FIRST, SECOND], "inbound_request_url": url}],
    }
    options = EmulatorOptions(account_sid=target.account_sid, auth_token=target.token, seed=seed)
    return Emulator(options, transport=RoutedTransport(target.base_url, transport, HttpTransport()))


class OptOutMachine(RuleBasedStateMachine):
    """A contact, a program and an operator who all change opt-outs; Twilio is the emulator."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        router = Router()
        router.default(lambda _: "hello")
        router.status("failed")(lambda _: None)
        url = f"sqlite:///{self.folder}/twiml.db"
        self.application = Application(url, router, TWIML_DURABILITY="process")
        self.emulator = start_emulator(self.application).start()

    def teardown(self) -> None:
        """End the example."""
        self.emulator.stop()
        self.application.state.engine.close()
        shutil.rmtree(self.folder)

    def twilio_refuses(self, sender: str) -> bool:
        """Return whether Twilio would refuse a message with 21610."""
        context = self.emulator._context
        number = context.find_number(FIRST if sender == SERVICE else sender)
        service = context.find_service(number) if sender == SERVICE else None
        try:
            OptOuts(context).refuse(sender, CONTACT, service)
        except ApiError as error:
            return error.code == 21610
        return False

    @rule(number=NUMBERS, text=st.sampled_from(STOPS))
    def stop(self, number: str, text: str) -> None:
        """A contact opts out, in the form that people type."""
        self.emulator.phone(CONTACT).text(text, number=number)
        assert self.application.refusal(CONTACT, number) == 21610

    @rule(number=NUMBERS, text=st.sampled_from(["START", " start\n", "Unstop"]))
    def start(self, number: str, text: str) -> None:
        """A contact opts in again: messages may leave from the sender that was texted."""
        self.emulator.phone(CONTACT).text(text, number=number)
        assert self.application.refusal(CONTACT, SERVICE if number != ALONE else ALONE) == 0

    @rule(number=NUMBERS, text=st.sampled_from(["YES", "Start!", "HELP"]))
    def text(self, number: str, text: str) -> None:
        """A contact writes something else."""
        self.emulator.phone(CONTACT).text(text, number=number)

    @rule()
    def settle(self) -> None:
        """Status callbacks arrive, such as that of a reply which failed with 21610."""
        self.emulator.settle()

    @rule(sender=st.sampled_from(SENDERS))
    def send(self, sender: str) -> None:
        """The program sends a message past the list, and learns from the answer."""
        if self.twilio_refuses(sender):
            leaving = Leaving(contact=CONTACT, sender=sender)
            self.application.state.engine.run(partial(learn_from_error, code=21610, leaving=leaving, now=NOW))

    @rule(sender=st.sampled_from(["", *SENDERS]))
    def add(self, sender: str) -> None:
        """An operator records an opt-out."""
        known = self.application.opt_outs
        known.store(known.adding(CONTACT, "asked", sender=sender, source="command line"))

    @rule(sender=st.sampled_from(["", "", *SENDERS]))
    def remove(self, sender: str) -> None:
        """An operator ends what operators recorded."""
        known = self.application.opt_outs
        known.store(known.removing(CONTACT, "came back", sender=sender, source="command line"))

    @rule()
    def erase(self) -> None:
        """A contact is erased, and must still get nothing."""
        state = self.application.state
        Archive(state.engine).erase(CONTACT, state.settings.secret_keys)

    @invariant()
    def local_list_is_at_least_as_strict(self) -> None:
        """Nothing leaves that Twilio would refuse."""
        for sender in SENDERS:
            if self.twilio_refuses(sender):
                assert self.application.refusal(CONTACT, sender) == 21610, sender


OptOutMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestOptOuts = OptOutMachine.TestCase
