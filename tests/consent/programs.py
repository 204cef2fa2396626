"""An application whose opt-outs are tested, and a phone that texts it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from twiml_app import InboundMessage, Router
from twiml_app.app import build_app
from twiml_app.consent import Leaving, OptOutList, refusal_of
from twiml_app.journal import OptOut
from twiml_app.testing import Phone

CONTACT, NUMBER, OTHER = "+15005550001", "+15005550006", "+15017122662"
SERVICE = "MG" + "1" * 32


class Application:
    """An application that replies to everything; ``fail`` makes its handlers raise."""

    def __init__(self, url: str, router: Router | None = None, **settings: Any) -> None:
        self.router = router or Router()
        self.fails = False
        self.router.opt_out("STOP", "START")(self._notified)
        if router is None:
            self.router.default(lambda _: "hello")
        given = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": url}
        self.app = build_app(given | settings, Path.cwd(), router=self.router)
        self.state = self.app.extensions["twiml"]
        self.phone = Phone(self.app, contact=CONTACT, number=NUMBER)

    def _notified(self, _: InboundMessage) -> None:
        if self.fails:
            raise OSError("the list is down")

    @property
    def opt_outs(self) -> OptOutList:
        """The opt-outs of the application."""
        known: OptOutList = self.state.opt_outs
        return known

    def of(self, contact: str = CONTACT) -> list[tuple[str, str, str]]:
        """Return the opt-outs of a contact: sender, source and reason."""
        return [(each.sender, each.source, each.reason) for each in self.opt_outs.of(contact)]

    def only(self) -> OptOut:
        """Return the only opt-out of the contact."""
        (found,) = self.opt_outs.of(CONTACT)
        return found

    def trail(self) -> list[tuple[str, str, str]]:
        """Return the audit trail of the contact: change, source and reason."""
        return [(each.change, each.source, each.reason) for each in self.opt_outs.changes_of(CONTACT)]

    def refusal(self, contact: str = CONTACT, sender: str = NUMBER) -> int | None:
        """Return the code with which a message would be refused now, 0 if it may leave."""
        leaving = Leaving(contact=contact, sender=sender)
        asked = partial(refusal_of, settings=self.state.settings, leaving=leaving, now=1_900_000_000.0)
        refused = self.state.engine.run(asked)
        return refused.code if refused else 0
