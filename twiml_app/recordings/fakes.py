"""Fictitious values: the same for the same original, and impossible to guess back without the key."""

from __future__ import annotations

import hashlib
import hmac


class Fakes:
    """Makes fictitious values with a key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._made: dict[str, str] = {}

    def hex(self, text: str) -> str:
        """Return 32 hexadecimal digits."""
        made = self._made.get(text)
        if made is None:
            raw = text.encode("utf-8", "surrogateescape")
            made = self._made[text] = hmac.new(self._key, raw, hashlib.sha256).hexdigest()[:32]
        return made

    def number(self, digits: str) -> str:
        """Return the digits of a number that nobody has, in area code 555."""
        return f"1555{int(self.hex(digits), 16) % 10**7:07}"

    def name(self, folded: str, written: str) -> str:
        """Return a name, in capitals or small letters if the original is."""
        made = f"Name{int(self.hex(folded), 16) % 10**6:06}"
        if written.islower():
            return made.lower()
        return made.upper() if written.isupper() and len(written) > 1 else made

    def contact(self, address: str) -> str:
        """Return an address of a channel that does not use phone numbers."""
        return f"contact-{self.hex(address)[:8]}"

    def value(self, folded: str) -> str:
        """Return the value of a parameter whose meaning is unknown."""
        return f"value-{self.hex(folded)[:8]}"

    def sid(self, sid: str) -> str:
        """Return a SID of the same kind, in small letters if the original is."""
        made = self.hex(sid[:2].upper() + sid[2:].lower())
        return sid[:2] + (made.upper() if sid[2:].isupper() else made)
