"""Media files: downloading those that came in."""

from .fetching import MediaFetcher
from .sources import MessageFiles, local_files

__all__ = [
    "MediaFetcher",
    "MessageFiles",
    "local_files",
]
