"""The words that Twilio handles itself: opt-out, opt-in and help."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Twilio's default words for opt-out, opt-in and help. A word counts only as the whole text, in any case,
#: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out.
OPT_OUT_WORDS: Mapping[str, frozenset[str]] = {
    "STOP": frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}),
    "START": frozenset({"START", "YES", "UNSTOP"}),
    "HELP": frozenset({"HELP", "INFO"}),
}
#: The words that end an opt-out. Twilio's pages disagree on YES, and people answer questions with it.
OPT_IN_WORDS = frozenset({"START", "UNSTOP"})
#: A word with what people type around it: white space, closing punctuation, quotes, brackets and dashes.
_TYPED = re.compile(r"""[\s.!,;:"'“”‘’„«»()\[\]{}<>*_~‐-―…-]*([A-Za-z]+)[\s.!,;:"'“”‘’„«»()\[\]{}<>*_~‐-―…-]*""")


def kind_of_word(text: str, words: Mapping[str, frozenset[str]] = OPT_OUT_WORDS) -> str:
    """Return the kind of opt-out word that a text is, empty if it is not one."""
    word = text.strip()
    if not word.isascii():  # some other letters have an ASCII letter as their capital
        return ""
    upper = word.upper()
    for kind, known in words.items():
        if upper in known:
            return kind
    return ""


def opt_out_change(text: str) -> str:
    """Return ``STOP`` if a text opts out of what the program sends first, ``START`` if it ends that, else "".

    Where Twilio's behavior is not documented, this is stricter: a STOP word counts with punctuation around it, as in
    "Stop!", and only START and UNSTOP without any end an opt-out.
    """
    if kind_of_word(text, {"START": OPT_IN_WORDS}):
        return "START"
    typed = _TYPED.fullmatch(text)
    return "STOP" if typed and typed[1].upper() in OPT_OUT_WORDS["STOP"] else ""
