"""Recorded exchanges: their file format, comparison, scrubbing and replay."""

from .comparison import differences
from .format import Exchange, read_file, update_file, write_file, write_line
from .media import local_media
from .phone_numbers import require_phone_numbers
from .replay import Destination, ProvingTransport, Replayed, Sender, SendExchange, Sent, replay
from .scrubbing import Scrubber
from .url_secrets import without_secrets

__all__ = [
    "Destination",
    "Exchange",
    "ProvingTransport",
    "Replayed",
    "Scrubber",
    "SendExchange",
    "Sender",
    "Sent",
    "differences",
    "local_media",
    "read_file",
    "replay",
    "require_phone_numbers",
    "update_file",
    "without_secrets",
    "write_file",
    "write_line",
]
