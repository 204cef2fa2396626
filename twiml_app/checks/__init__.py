"""What ``twiml-app check`` checks."""

from .findings import Finding
from .installation import check_conversations, check_settings, list_settings
from .probing import probe
from .urls import RETRY_FRAGMENT, ConsoleUrls, console_urls, mask_url

__all__ = [
    "RETRY_FRAGMENT",
    "ConsoleUrls",
    "Finding",
    "check_conversations",
    "check_settings",
    "console_urls",
    "list_settings",
    "mask_url",
    "probe",
]
