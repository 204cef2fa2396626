"""The hosts of Twilio that the emulator plays."""

from __future__ import annotations

import re

#: A host of Twilio's API, with an edge and a region or without, such as ``api.dublin.ie1.twilio.com``.
_TWILIO_HOST = re.compile(r"([a-z0-9-]{1,63}\.){1,4}twilio\.com")


def is_twilio_host(name: str) -> bool:
    """Return whether a host name, without a port, is one of Twilio's."""
    return bool(_TWILIO_HOST.fullmatch(name.lower().removesuffix(".")))
