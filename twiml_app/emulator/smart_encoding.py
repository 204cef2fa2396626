r"""Smart encoding: replace characters that would need UCS-2, and so more segments, by similar ones.

The characters are those of https://www.twilio.com/docs/messaging/services/smart-encoding-char-list. Where copies of
that list disagree (spaces, tabs, \u2039 and \u203a, \u2017), the most similar replacement is used.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Replacements, and the characters that each replaces; combining and invisible characters are escaped.
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
#: Full-width characters have the order of ASCII in Unicode; the lower-case letters are not in Twilio's list.
_FULL_WIDTH = {code + 0xFEE0: chr(code) for code in (*range(0x21, 0x60), *range(0x7B, 0x7F))}

#: The code points of all characters that are replaced, and their replacements.
REPLACEMENTS: Mapping[int, str] = {
    **{ord(one): plain for plain, characters in _LOOK_ALIKES.items() for one in characters},
    **{ord(small): capital for small, capital in _SMALL_CAPITALS.items()},
    **_FULL_WIDTH,
}


def smart_encode(text: str) -> str:
    """Return a string in which characters that would need UCS-2 are replaced where Twilio's list has a replacement."""
    return text.translate(REPLACEMENTS)
