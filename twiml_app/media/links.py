"""Links to local files: signed, so that only files that the program named are served, and for a day.

Twilio downloads a file without credentials: the signature replaces them. Nothing is kept in memory, so any worker of
any machine with the same keys and files serves a link.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from ..config import Settings
from ..errors import ConfigurationError, Forbidden, Gone, MediaError
from ..events import TOKEN_PARAMETER
from ..webhook import base_of
from .kinds import BEGINNING_BYTES, FileToSend, check_files, content_type_of

#: Longer than Twilio queues a message, and as long as a retried webhook gets the stored reply.
LIFETIME_S = 24 * 60 * 60
_NOT_OURS = (
    "the token of the media link was made for another file, or with another key: keep the old key in"
    " SECRET_KEY_FALLBACKS, or the old pair in TWIML_CREDENTIALS"
)


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file that is open, with what its headers need."""

    file: BinaryIO
    name: str
    content_type: str
    size: int
    #: Seconds since 1970.
    modified: float


class MediaLinks:
    """Makes links to local files, and opens the files that they name.

    A relative path starts at ``root``; ``url_prefix`` is the part of the path in front of the application's own paths,
    and ``clock`` returns seconds since 1970.
    """

    def __init__(
        self, settings: Settings, root: Path, url_prefix: str = "", *, clock: Callable[[], float] = time.time
    ) -> None:
        # itsdangerous signs with the last key and verifies with each of them.
        keys = list(reversed(settings.secret_keys))
        options = {"digest_method": hashlib.sha256}
        self._serializer = URLSafeSerializer(keys, salt="twiml_app.media", signer_kwargs=options)
        self._root = root.resolve()
        #: The folder of the links, below the URL prefix.
        self.folder = settings.media_path.rstrip("/")
        self._public_url = settings.public_url and base_of(settings.public_url, url_prefix)
        self._clock = clock

    def url(self, path: Path, *, channel: str = "sms") -> str:
        """Return the link to a file, for a message that is sent outside of a request.

        Raises: MediaError, for a file that Twilio would not send; ConfigurationError, without a public URL.
        """
        if not self._public_url:
            problem = "set it to the URL under which Twilio reaches the application, to download local files"
            raise ConfigurationError("TWIML_PUBLIC_URL", problem)
        return self.urls(self._public_url, [path], channel=channel)[0]

    def urls(self, base_url: str, paths: Sequence[Path], *, channel: str) -> list[str]:
        """Return the links to the files of one message.

        Raises: MediaError, for a file that Twilio would not send on this channel.
        """
        files = [self._found(path) for path in paths]
        check_files(files, channel)
        return [self._link(base_url, file.path) for file in files]

    def open(self, name: str, token: str) -> ServedFile:
        """Open the file that a link names.

        Raises: Forbidden, for a link that this application has not made; Gone.
        """
        try:
            path, expires = self._serializer.loads(token)
        except BadData:
            raise Forbidden("the link is not valid", reason=_NOT_OURS) from None
        if PurePath(path).name != name:
            raise Forbidden("the link is not valid", reason="the name in the media link was changed")
        if self._clock() > expires:
            raise Gone("the link has expired")
        return _opened(self._root / path)

    def _found(self, path: Path) -> FileToSend:
        """Return a file that the program has named.

        Raises: MediaError.
        """
        named = str(path)
        if ".." in path.parts:
            raise MediaError("its path has .. in it: resolve it first, if no part of it comes from a text", file=named)
        try:
            real = Path(os.path.realpath(self._root / path, strict=True))
            if not real.is_file():
                raise MediaError("it is not a file", file=named)
            with real.open("rb") as file:
                found = FileToSend(real, os.fstat(file.fileno()).st_size, file.read(BEGINNING_BYTES))
        except OSError as error:
            raise MediaError(f"it cannot be read: {error.strerror}", file=named) from error
        except ValueError as error:
            raise MediaError("it has characters that no path can have", file=repr(path)) from error
        if not real.name.isprintable():  # bytes that are not UTF-8 are not printable either
            raise MediaError("its name has characters that do not belong into a URL: rename it", file=repr(path))
        return found

    def _link(self, base_url: str, path: Path) -> str:
        """Return the link to a file; inside of the root its path is relative, so that other machines find it too."""
        named = path.relative_to(self._root) if path.is_relative_to(self._root) else path
        token = self._serializer.dumps([str(named), int(self._clock()) + LIFETIME_S])
        text = token if isinstance(token, str) else token.decode()
        return f"{base_url}{self.folder}/{quote(path.name)}?{TOKEN_PARAMETER}={text}"


def _opened(path: Path) -> ServedFile:
    """Open a file, unless something on its path has become a link to another one since its URL was made.

    Raises: Gone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise Gone("the file is gone") from None
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode) or os.path.realpath(path) != str(path):
        os.close(descriptor)
        raise Gone("the file is gone", reason=f"{path} is not a file, or was replaced by a link")
    file = os.fdopen(descriptor, "rb")
    return ServedFile(file, path.name, content_type_of(path), info.st_size, info.st_mtime)
