"""The state of one conversation, as a handler sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ..errors import StateError
from ..logs import mask

#: How long the state may be, as JSON, in characters.
MAX_STATE = 16_384
HOUR_S = 3600.0
#: How long a person answers instead of the handlers, unless it is said otherwise.
HAND_OFF_HOURS = 24.0


class Conversation(MutableMapping[str, Any]):
    """What is kept about one contact and one sender: names with JSON values, like a ``dict``.

    A handler gets it by declaring a parameter ``conversation``. Changes are stored together with the reply, or not at
    all if the handler raises.
    """

    __slots__ = (
        *("_clock", "_loaded", "_loaded_until", "_values"),
        *("contact", "dialog", "dialog_until", "handed_off_until", "sender"),
    )

    def __init__(
        self,
        contact: str,
        sender: str,
        state: str = "{}",
        *,
        dialog: Any = None,
        dialog_until: float = 0.0,
        handed_off_until: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        #: The other person's address.
        self.contact = contact
        #: Our number, or the messaging service that it belongs to.
        self.sender = sender
        self._values: dict[str, Any] = json.loads(state)
        self._loaded = state
        #: The open dialog as a JSON value; None if there is none. The framework uses it.
        self.dialog = dialog
        #: Until when the dialog is kept, in seconds since 1970.
        self.dialog_until = dialog_until
        #: Until when a person answers instead of the handlers, in seconds since 1970; 0 if that is not so.
        self.handed_off_until = handed_off_until
        self._loaded_until = handed_off_until
        self._clock = clock

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a value.

        Raises: StateError, for one that is not JSON.
        """
        _require_json(name, value)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Conversation of {mask(self.contact)} with {mask(self.sender)}: {', '.join(self) or 'empty'}>"

    def hand_off(self, hours: float = HAND_OFF_HOURS) -> None:
        """Let a person answer: for so many hours, messages reach only the ``@router.handed_off`` handler."""
        self.handed_off_until = self._clock() + hours * HOUR_S

    def resume(self) -> None:
        """Let the handlers answer again."""
        self.handed_off_until = 0.0

    @property
    def is_handed_off(self) -> bool:
        """Whether a person answers instead of the handlers."""
        return self.handed_off_until > self._clock()

    @property
    def hand_off_is_changed(self) -> bool:
        """Whether the conversation was handed off or resumed."""
        return self.handed_off_until != self._loaded_until

    def to_json(self) -> str:
        """Return the state as JSON.

        Raises: StateError, if it is too long, or if a value was changed to one that is not JSON.
        """
        for name, value in self._values.items():
            _require_json(name, value)
        written = json.dumps(self._values)
        if len(written) > MAX_STATE:
            raise StateError(
                f"the state of a conversation has {len(written)} characters as JSON, and may have {MAX_STATE}: keep"
                " only what the next messages need, and the rest in your own database"
            )
        return written

    @property
    def is_changed(self) -> bool:
        """Whether a value is different from the stored one."""
        return json.dumps(self._values) != self._loaded

    def as_dict(self) -> Mapping[str, Any]:
        """Return a copy of the values."""
        return dict(self._values)


def _require_json(name: object, value: Any) -> None:
    """Check that a value comes back from JSON as it is.

    Raises: StateError.
    """
    if not isinstance(name, str):
        raise StateError(f"the names in a conversation are strings, not {type(name).__name__}")
    try:
        is_json = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError) as error:
        raise StateError(f"conversation[{name!r}] cannot be stored: {error}") from error
    if not is_json:
        raise StateError(
            f"conversation[{name!r}] would come back different from JSON: use str, int, float, bool, None, lists (not"
            " tuples), and dicts whose keys are strings"
        )
