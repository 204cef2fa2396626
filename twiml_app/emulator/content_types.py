"""Content types of media files: their syntax, the types that are not media, and detection from the first bytes."""

from __future__ import annotations

import re

PAGES = frozenset({"text/html", "application/xhtml+xml"})
PROGRAMS = frozenset(
    {
        "application/java-archive",
        "application/javascript",
        "application/vnd.android.package-archive",
        "application/vnd.microsoft.portable-executable",
        "application/x-dosexec",
        "application/x-executable",
        "application/x-msdos-program",
        "application/x-msdownload",
        "application/x-sh",
        "application/x-sharedlib",
        "text/javascript",
        "text/x-sh",
    }
)
#: A type and a subtype, https://www.rfc-editor.org/rfc/rfc9110#name-media-type
_CONTENT_TYPE = re.compile(r"(?=.{1,100}\Z)[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+")

#: The first bytes of files, and the content types that such a file may have, the most common one first.
_SIGNATURES: tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...] = (
    (re.compile(rb"GIF8[79]a"), ("image/gif",)),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), ("image/png", "image/apng")),
    (re.compile(rb"\xff\xd8\xff"), ("image/jpeg", "image/pjpeg")),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), ("image/webp",)),
    (re.compile(rb"%PDF-"), ("application/pdf", "application/x-pdf")),
    # The MPEG-4 container is used for video, audio and images.
    (
        re.compile(rb".{4}ftyp", re.DOTALL),
        (
            *("video/mp4", "video/mpeg4", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2"),
            *("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/aac", "audio/3gpp", "audio/3gpp2"),
            *("image/heic", "image/heif", "image/avif"),
        ),
    ),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)[\s>]", re.IGNORECASE), ("text/html",)),
)


def is_content_type(text: str) -> bool:
    """Return whether a string is a type and a subtype, without parameters."""
    return bool(_CONTENT_TYPE.fullmatch(text))


def plain(content_type: str) -> str:
    """Return a content type in lower case, without parameters."""
    bare = content_type.partition(";")[0].strip().lower()
    return "image/jpeg" if bare == "image/jpg" else bare


def sniff(content: bytes) -> tuple[str, ...]:
    """Return the content types that a file may have, the most common one first; none if its first bytes are unknown."""
    return next((types for beginning, types in _SIGNATURES if beginning.match(content)), ())
