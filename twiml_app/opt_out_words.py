"""The words that Twilio handles itself: opt-out, opt-in and help."""

from __future__ import annotations

from collections.abc import Mapping

#: Twilio's default words for opt-out, opt-in and help. A word counts only as the whole text, in any case,
#: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out.
OPT_OUT_WORDS: Mapping[str, frozenset[str]] = {
    "STOP": frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}),
    "START": frozenset({"START", "YES", "UNSTOP"}),
    "HELP": frozenset({"HELP", "INFO"}),
}


def kind_of_word(text: str, words: Mapping[str, frozenset[str]] = OPT_OUT_WORDS) -> str:
    """Return the kind of opt-out word that a text is, empty if it is not one."""
    word = text.strip()
    if not word.isascii():  # some other letters have an ASCII letter as their capital
        return ""
    return next((kind for kind, known in words.items() if word.upper() in known), "")
