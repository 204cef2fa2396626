"""The conversations of a recording: what each person texted, in order, without the answers."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..emulator import FetchedMedia, read_sender
from ..recordings import Exchange, media_path, read_file
from ..webhook import Form

#: The digits of a contact that are replaced for each run.
_TAIL = re.compile(r"(?<=\d{4})\d{4}$")
_LARGEST_TAIL = 10_000


@dataclass(frozen=True, slots=True)
class RecordedText:
    """A text from a person, with its media: files, or URLs whose content is not recorded."""

    body: str
    media: tuple[FetchedMedia | str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What one person texted to one of our numbers."""

    name: str
    contact: str
    number: str
    texts: tuple[RecordedText, ...]
    #: The SID of the messaging service of the number; empty if it has none.
    service: str = ""

    @property
    def problem(self) -> str:
        """Why an emulator cannot play it; empty if it can."""
        for address in (self.contact, self.number):
            read = read_sender(address)
            if read is None or read.kind == "name":
                return "it is not between two phone numbers"
        if not _TAIL.search(self.contact):
            return "the number of the contact is too short to try it with other people"
        if not all(text.body or text.media for text in self.texts):
            return "one of its messages has neither text nor media, such as a location"
        return ""

    def contact_of_run(self, run: int) -> str:
        """Return the contact of a run: the recorded one for 0, and a different one of the same country for others."""
        return _TAIL.sub(lambda found: f"{(int(found[0]) + run) % _LARGEST_TAIL:04}", self.contact)


def read_conversations(file: Path) -> list[Conversation]:
    """Return the conversations of a recording, one for each contact and number, in the order of their first texts.

    Raises: RecordingError.
    """
    found: dict[tuple[str, str], dict[str, Exchange]] = {}
    for exchange in read_file(file):
        if exchange.kind == "message" and exchange.endpoint == "message":
            key = exchange.form.get("From", ""), exchange.form.get("To", "")
            found.setdefault(key, {}).setdefault(exchange.sid, exchange)
    return [
        _conversation(f"{file.stem} {index}" if len(found) > 1 else file.stem, exchanges.values(), file)
        for index, exchanges in enumerate(found.values(), 1)
    ]


def _conversation(name: str, exchanges: Iterable[Exchange], file: Path) -> Conversation:
    forms = [exchange.form for exchange in exchanges]
    first = forms[0]
    return Conversation(
        name=name,
        contact=first.get("From", ""),
        number=first.get("To", ""),
        service=first.get("MessagingServiceSid", ""),
        texts=tuple(RecordedText(form.get("Body", ""), tuple(_media(form, file))) for form in forms),
    )


def _media(form: Form, file: Path) -> Iterable[FetchedMedia | str]:
    """Yield the media of a message: the files next to the recording, or else URLs for which there are placeholders."""
    for name, url in form.items():
        if not re.fullmatch(r"MediaUrl[0-9]", name):
            continue
        content_type = form.get(name.replace("Url", "ContentType"), "image/jpeg")
        path = media_path(file, name, url)
        if path.is_file():
            yield FetchedMedia(content_type=content_type, content=path.read_bytes())
        else:
            yield f"https://example.com/recorded{mimetypes.guess_extension(content_type) or '.jpg'}"
