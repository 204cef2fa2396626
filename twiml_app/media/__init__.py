"""Media files: downloading those that came in, and serving local ones."""

from .fetching import MediaFetcher
from .links import MediaLinks, ServedFile
from .sources import MessageFiles, local_files

__all__ = [
    "MediaFetcher",
    "MediaLinks",
    "MessageFiles",
    "ServedFile",
    "local_files",
]
