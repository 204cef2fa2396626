"""Local files in replies: the application serves them, so each gets a URL before the reply leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import MediaError, ReplyError
from ..events import InboundMessage
from ..twiml import MessagingResponse
from ..verbs import Media, Message, Verb


class FileUrls(Protocol):
    """Makes the URLs of the local files of one message, after checking them."""

    def __call__(self, base_url: str, paths: Sequence[Path], *, channel: str) -> Sequence[str]:
        """Return the URLs under the application's base URL, in the same order.

        Raises: MediaError, for a file that Twilio would not send on this channel.
        """


def has_files(response: MessagingResponse) -> bool:
    """Return whether a response sends local files."""
    for verb in response.verbs:  # noqa: SIM110 - every reply comes here, and a generator takes longer
        if isinstance(verb, Message) and verb.files:
            return True
    return False


def with_file_urls(
    response: MessagingResponse,
    message: InboundMessage,
    urls_of: Callable[..., Sequence[str]],
    *,
    handler: str,
) -> MessagingResponse:
    """Return a response to a message with a URL for each local file; ``urls_of`` gets the paths and the channel.

    Raises: ReplyError, naming the handler, for a file that cannot be sent.
    """

    def served(verb: Verb) -> Verb:
        if not isinstance(verb, Message) or not verb.files:
            return verb
        urls = iter(urls_of(verb.files, channel=_channel(verb.to or message.from_)))
        return verb.with_nouns(
            *(Media(next(urls)) if isinstance(noun, Media) and noun.path else noun for noun in verb.nouns)
        )

    try:
        return MessagingResponse(*map(served, response.verbs))
    except MediaError as error:
        raise ReplyError(f"returned a file that cannot be sent: {error}", handler=handler) from error


def _channel(address: str) -> str:
    """Return the prefix of an address; ``sms`` for a number."""
    prefix, colon, _ = address.partition(":")
    return prefix.lower() if colon else "sms"
