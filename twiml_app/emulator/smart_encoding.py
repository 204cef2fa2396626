r"""Smart encoding: a messaging service replaces characters that would cost a text more segments by look-alikes.

Which characters is Twilio's list, https://www.twilio.com/docs/messaging/services/smart-encoding-char-list; where copies
of it disagree (spaces, tabs, \u2039 and \u203a, \u2017) a character becomes the one that looks most like it.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What is written instead, and of which characters; marks that combine and what cannot be seen are escaped.
_LOOK_ALIKES = {
    '"': "«»“”„‟ʺˮ〝〞❝❞",
    "'": "‘’‛`´ʹʻʼʽˈˊˋ❛❜\u0313\u0314\ufe10\ufe11",
    "-": "‐–—―•⁃⎼⎽﹣",
    "...": "…",
    "1/4": "¼",
    "1/2": "½",
    "3/4": "¾",
    "!!": "‼",
    "!": "ǃ︕﹗",
    "#": "﹟",
    "$": "﹩",
    "%": "﹪",
    "&": "﹠",
    "(": "❨❪﹙⟮⦅",
    ")": "❩❫﹚⟯⦆",
    "*": "⁎∗⊛✢✣✤✥✱✲✳✺✻✼✽❃❉❊❋⧆﹡",
    "+": "˖﹢",
    ",": "‚、﹐﹑､\u0326",
    ".": "。﹒｡",
    "/": "÷⁄∕⧸\u0337\u0338",
    ":": "ː˸⦂꞉︓",
    ";": "⁏︔﹔",
    "<": "‹﹤",
    "=": "꞊﹦\u0347",
    ">": "›﹥",
    "?": "︖﹖",
    "@": "﹫",
    "\\": "⧹⧵﹨\u20e5",
    "^": "ˆ\u0302\u1dcd",
    "_": "‗\u0332",
    "{": "❴﹛",
    "|": "∣⎸⎹⏐⎜⎟\u20d2\u20d3",
    "}": "❵﹜",
    "~": "˜˷∼\u0303\u0330\u0334",
    " ": "\t\x80\x8d\x90\x9b\x9f\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000",
    "": "\0\x03\x04\x10\x11\x12\x13\x14\x17\x19\u200b\u2060\ufeff",
}
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "ABCDEFGHIJKLMNOPRSTUVWYZ", strict=True))
#: Full-width ASCII stands in Unicode in the order of ASCII; the small letters are not in the list.
_FULL_WIDTH = {code + 0xFEE0: chr(code) for code in (*range(0x21, 0x60), *range(0x7B, 0x7F))}

#: The code point of every character that is replaced, and what replaces it.
REPLACEMENTS: Mapping[int, str] = {
    **{ord(one): plain for plain, characters in _LOOK_ALIKES.items() for one in characters},
    **{ord(small): capital for small, capital in _SMALL_CAPITALS.items()},
    **_FULL_WIDTH,
}


def smart_encode(text: str) -> str:
    """Return a text with look-alikes for the characters that would make it UCS-2; others stay as they are."""
    return text.translate(REPLACEMENTS)
