"""Find message routes that can never run, because an earlier route matches every message that they match.

Only certain cases are found: text patterns are compared token by token, regular expressions only for equality.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from .patterns import TextPattern, Token
from .routes import Conditions, MessageRoute, Pattern

#: Letters that every converter and choice treats alike in any case.
_PLAIN = re.compile("[A-Za-z0-9_]+")


def hidden_routes(routes: Sequence[MessageRoute]) -> Iterator[tuple[MessageRoute, MessageRoute]]:
    """Yield each route that can never run, with the first earlier route that matches all of its messages."""
    for place, route in enumerate(routes):
        earlier = next((each for each in routes[:place] if _hides(each, route)), None)
        if earlier:
            yield route, earlier


def _hides(earlier: MessageRoute, later: MessageRoute) -> bool:
    return _includes_pattern(earlier.pattern, later.pattern) and _includes_conditions(
        earlier.conditions, later.conditions
    )


def _includes_pattern(general: Pattern | None, special: Pattern | None) -> bool:
    if general is None:
        return True
    if isinstance(general, TextPattern) and isinstance(special, TextPattern):
        return includes(general, special)
    return general == special


def includes(general: TextPattern, special: TextPattern) -> bool:
    """Return whether one pattern certainly matches every text that another one matches.

    The tokens of the general pattern are matched against those of the special one, like an expression against a text.
    """
    places = {0}
    for token in general.tokens:
        places = {end for place in places for end in _ends(token, special.tokens, place)}
    return len(special.tokens) in places


def _ends(token: Token, special: Sequence[Token], place: int) -> Iterator[int]:
    """Yield where a token may end in the special pattern if it starts at a place."""
    if place == len(special):
        return
    if token.converter == "text":
        yield from () if special[place].is_space else range(place + 1, len(special) + 1)
        return
    if _includes_token(token, special[place]):
        yield place + 1
    if token.converter:
        yield from (place + length for length in _literal_lengths(token, special[place:]))


def _includes_token(general: Token, special: Token) -> bool:
    if bool(general.converter) != bool(special.converter):
        return False
    if _folded(general.expression) == _folded(special.expression):
        return True
    if special.converter == "any":
        return all(_takes(general, text) for text in special.texts)
    return (general.converter, special.converter) == ("float", "int")


def _literal_lengths(capture: Token, tokens: Sequence[Token]) -> Iterator[int]:
    """Yield how many literal characters at the start of the tokens a capture may take."""
    text = ""
    for length, token in enumerate(tokens, 1):
        if token.converter:
            return
        text += token.texts[0]
        if _takes(capture, text):
            yield length


def _takes(capture: Token, text: str) -> bool:
    """Return whether a capture certainly matches a text, in any case in which it may be typed."""
    return bool(_PLAIN.fullmatch(text) and re.fullmatch(capture.expression, text, re.IGNORECASE))


def _folded(expression: str) -> str:
    """Return an expression in lower case, except for the few letters that become two."""
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in expression)


def _includes_conditions(general: Conditions, special: Conditions) -> bool:
    pairs = [(getattr(general, name), getattr(special, name)) for name in ("to", "from_", "channel")]
    return (
        all(wide is None or (narrow is not None and narrow <= wide) for wide, narrow in pairs)
        and _includes_media(general.media, special.media)
        and (general.query or {}).items() <= (special.query or {}).items()
        and general.when in (None, special.when)
    )


def _includes_media(general: bool | str | None, special: bool | str | None) -> bool:
    if general is None or general == special:
        return True
    if not isinstance(special, str):
        return False
    if isinstance(general, bool):
        return general
    return not re.search(r"[*?\[]", special) and fnmatchcase(special, general)
