"""Recorded exchanges: their file format, comparison, scrubbing and replay."""

from ..exchanges import Exchange, write_line
from .comparison import differences
from .format import read_file, update_file, write_file
from .media import local_media, media_path
from .phone_numbers import require_phone_numbers
from .replay import Destination, ProvingTransport, Replayed, Sender, SendExchange, Sent, replay
from .scrubbing import Scrubber

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
    "media_path",
    "read_file",
    "replay",
    "require_phone_numbers",
    "update_file",
    "write_file",
    "write_line",
]
