"""The kinds of media files that Twilio sends, and how large they may be.

https://www.twilio.com/docs/messaging/guides/accepted-mime-types
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..errors import MediaError

_MB = 1024 * 1024
#: For all files of a message together; every other channel than SMS takes more.
MMS_BYTES, CHANNEL_BYTES = 5 * _MB, 16 * _MB
#: By MMS, for a file that Twilio does not fit to the device, https://www.twilio.com/docs/messaging/api/message-resource
UNFITTED_BYTES = 500 * 1024
#: By WhatsApp, https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
WHATSAPP_IMAGE_BYTES = 5 * _MB

#: The images that Twilio fits to the device, and how such a file begins: another beginning is refused.
_FITTED = {"image/jpeg": (b"\xff\xd8\xff",), "image/png": (b"\x89PNG\r\n\x1a\n",), "image/gif": (b"GIF87a", b"GIF89a")}
#: How much of a file is compared with these.
BEGINNING_BYTES = 8

_TYPES = {
    **dict.fromkeys((".jpg", ".jpeg"), "image/jpeg"),
    **dict.fromkeys((".tif", ".tiff"), "image/tiff"),
    **dict.fromkeys((".ogg", ".oga"), "audio/ogg"),
    ".png": "image/png",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".webp": "image/webp",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".amr": "audio/amr",
    ".wav": "audio/vnd.wave",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".3gp": "video/3gpp",
    ".3g2": "video/3gpp2",
    ".vcf": "text/vcard",
    ".csv": "text/csv",
    ".rtf": "text/rtf",
    ".ics": "text/calendar",
    ".pdf": "application/pdf",
    ".pkpass": "application/vnd.apple.pkpass",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(frozen=True, slots=True)
class FileToSend:
    """A local file that exists."""

    path: Path
    size: int
    #: Its first bytes.
    beginning: bytes

    @property
    def content_type(self) -> str:
        """The content type, by the ending of the name."""
        return content_type_of(self.path)


def content_type_of(path: PurePath) -> str:
    """Return the content type of a file by the ending of its name; empty for one that Twilio does not accept."""
    return _TYPES.get(path.suffix.lower(), "")


def check_files(files: Sequence[FileToSend], channel: str) -> None:
    """Check the type and the size of the files of one message.

    Raises: MediaError.
    """
    for file in files:
        if problem := _problem(file, channel):
            raise MediaError(problem, file=str(file.path))
    total, limit = sum(file.size for file in files), MMS_BYTES if channel == "sms" else CHANNEL_BYTES
    if total > limit:
        problem = f"the files of the message have {total} bytes together, and Twilio sends at most {limit}"
        raise MediaError(problem, file=str(files[-1].path))


def _problem(file: FileToSend, channel: str) -> str:
    """Return why Twilio would not send a file; an empty string if it would."""
    if not file.content_type:
        return f"Twilio accepts no files that end in {file.path.suffix or file.path.name}"
    if not file.size:
        return "it is empty"
    if not file.beginning.startswith(_FITTED.get(file.content_type, b"")):
        return f"it does not begin like {file.content_type}: Twilio refuses a file of another type than its name says"
    if file.size > (limit := _limit(file.content_type, channel)):
        return f"it has {file.size} bytes, and Twilio sends at most {limit} of {file.content_type}"
    return ""


def _limit(content_type: str, channel: str) -> int:
    if channel == "sms":
        return MMS_BYTES if content_type in _FITTED else UNFITTED_BYTES
    return WHATSAPP_IMAGE_BYTES if channel == "whatsapp" and content_type.startswith("image/") else CHANNEL_BYTES
