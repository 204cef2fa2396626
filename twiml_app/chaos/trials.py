"""The table of trials: one for each fault that the emulator knows, and a restart.

Each says what must be true in spite of it, when it cannot happen, and what to do if a program does not survive it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..config import Settings
from ..emulator import fault_names
from ..opt_out_words import kind_of_word
from ..segments import segment
from .recorded import Conversation

#: What must be true of a conversation in spite of a fault:
#:
#: - ``undisturbed``: the person sees what an undisturbed conversation shows.
#: - ``refused``: the program answers nothing; the person texts again, and sees an undisturbed conversation.
#: - ``copied``: the copy of a text gets no reply, or the same one, and all else is undisturbed.
#: - ``in parts``: each part gets one reply at most, and the texts that arrive whole get their usual replies.
#: - ``lost``: each text gets its reply, which may not arrive.
#: - ``answered``: each text is answered once at most, the automatic ones too, and it ends.
#: - ``sent once``: each text gets as many replies as usual, and no other message is sent twice.
#: - ``sent``: as before, and none of them is lost.
Promise = Literal["undisturbed", "refused", "copied", "in parts", "lost", "answered", "sent once", "sent"]

RESTART = "restart"
_LANDLINES = ("+1", "+44")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides whether a fault can happen to a conversation."""

    conversation: Conversation
    settings: Settings
    #: Whether the program sent messages, got status callbacks, and can be started again.
    has_messages: bool
    has_statuses: bool
    can_restart: bool
    #: The methods of the program's requests to the REST API.
    methods: frozenset[str]


#: Returns why a fault cannot happen; empty if it can.
Obstacle = Callable[[Facts], str]


@dataclass(frozen=True, slots=True)
class Trial:
    """A fault that happens to a conversation."""

    name: str
    promise: Promise
    advice: str
    obstacle: Obstacle
    #: Only requests with this in their method and path, for faults of the REST API.
    path: str = ""

    @property
    def place(self) -> str:
        """Where it happens: the first word of its name."""
        return self.name.partition("-")[0]


def _never(_facts: Facts) -> str:
    return ""


def _needs_signature(facts: Facts) -> str:
    return "" if facts.settings.requires_signature else "the application checks no signatures"


def _needs_credentials(facts: Facts) -> str:
    return "" if facts.settings.credentials else "the application has no credentials"


def _needs_messages(facts: Facts) -> str:
    return "" if facts.has_messages else "the program sends no message"


def _needs_statuses(facts: Facts) -> str:
    return "" if facts.has_statuses else "the program follows no delivery"


def _needs_parts(facts: Facts) -> str:
    texts = facts.conversation.texts
    return "" if any(len(segment(text.body).parts) > 1 for text in texts) else "no text has several segments"


def _needs_service(facts: Facts) -> str:
    return "" if facts.conversation.service else "the number is in no messaging service"


def _needs_opt_out(facts: Facts) -> str:
    if not any(kind_of_word(text.body) for text in facts.conversation.texts):
        return "no text is STOP, START or HELP"
    return _needs_service(facts)


def _needs_landline(facts: Facts) -> str:
    is_tried = facts.conversation.contact.startswith(_LANDLINES)
    return _needs_messages(facts) if is_tried else "the contact is not in +1 or +44"


def _needs_whatsapp(facts: Facts) -> str:
    is_whatsapp = facts.conversation.contact.startswith("whatsapp:")
    return _needs_messages(facts) if is_whatsapp else "it is not on WhatsApp"


def _needs_requests(facts: Facts) -> str:
    return "" if "POST" in facts.methods else "the program sends nothing through the REST API"


def _needs_downloads(facts: Facts) -> str:
    return "" if "GET" in facts.methods else "the program reads nothing from the REST API"


def _needs_restart(facts: Facts) -> str:
    return "" if facts.can_restart else "only `twiml-app check --chaos` can start the program again"


_ONCE = "store answers in the journal (TWIML_DATABASE_URL), and put effects into send, enqueue or a step of a dialog"
_STORED = "keep state in `conversation` or a dialog, which are stored with the answer"
_FORGED = "let no other view answer this URL: the application must refuse such a request before a handler runs"
_COPIES = "ask with a dialog, which knows copies; otherwise let an equal text soon after the first change nothing"
_PARTS = "ask with collect_s, which joins what arrives in parts"
_LOST = "a status handler must not answer a failure again and again: reply once, and use send with a key"
_AUTOMATIC = "reply once to each text, and do not start a conversation with what no handler understands"
_API = "use send from twiml_app instead of a client in the handler: it leaves after the answer, once, and is repeated"

_TRIALS = (
    *(Trial(f"api-{name}", "sent", _API, _needs_requests, "POST ") for name in ("429", "500", "503", "status")),
    *(Trial(f"api-{name}", "sent once", _API, _needs_requests, "POST ") for name in ("slow", "cut-before")),
    Trial("api-cut-after", "sent", _API, _needs_requests, "POST "),
    Trial(
        "api-404", "sent", "try again later what is not found yet: Twilio is still storing it", _needs_downloads, "GET "
    ),
    *(Trial(f"webhook-{name}", "undisturbed", _ONCE, _never) for name in ("duplicate", "retry", "late", "cut")),
    Trial("webhook-drop", "refused", _STORED, _never),
    *(Trial(f"webhook-{which}-signature", "refused", _FORGED, _needs_signature) for which in ("wrong", "no")),
    *(Trial(f"webhook-{which}-credentials", "refused", _FORGED, _needs_credentials) for which in ("wrong", "no")),
    Trial("status-reorder", "undisturbed", "look at status.late: a callback may come late", _needs_statuses),
    Trial("status-before-answer", "undisturbed", "a status handler must not wait for the answer", _needs_statuses),
    Trial("text-duplicate", "copied", _COPIES, _never),
    Trial("text-parts", "in parts", _PARTS, _needs_parts),
    Trial("text-other-number", "undisturbed", _STORED, _needs_service),
    Trial(
        "text-advanced-opt-out", "undisturbed", "leave the answer to Twilio: see TWIML_ADVANCED_OPT_OUT", _needs_opt_out
    ),
    *(Trial(f"message-{name}", "lost", _LOST, _needs_messages) for name in ("failed", "undelivered", "queue-full")),
    Trial("message-window-closed", "lost", _LOST, _needs_whatsapp),
    Trial("message-landline", "lost", _LOST, _needs_landline),
    Trial("message-auto-reply", "answered", _AUTOMATIC, _needs_messages),
    Trial("message-other-number", "undisturbed", _STORED, _needs_service),
    Trial(RESTART, "undisturbed", _STORED, _needs_restart),
)
#: Every trial by its name, in the order of the emulator's table.
TRIALS: Mapping[str, Trial] = {
    name: next(trial for trial in _TRIALS if trial.name == name) for name in (*fault_names(), RESTART)
}
