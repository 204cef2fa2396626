"""What a dialog is registered with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DialogOptions:
    """What ``@router.dialog`` was given besides the text pattern."""

    #: The name and the version under which open dialogs are stored.
    name: str
    version: int
    #: How long a question waits, in seconds.
    expires_s: float = 72 * 3600.0
    #: What a late answer gets.
    expired: str = "Sorry, that took too long. Please start again."
    #: What is sent before a fresh start, where the stored answers do not fit the program any more.
    restart: str = "Sorry, something changed on our side. Let us start again."
    #: Texts that end the dialog, and what they get.
    cancel: tuple[str, ...] = ()
    cancelled: str = "OK, cancelled."
    #: What a text gets that arrives while the dialog waits for work.
    busy: str = "One moment, please."
    #: What is sent when a question has waited for too long; empty for nothing.
    follow_up: str = ""
    #: What ends a dialog after too many texts that did not answer.
    gave_up: str = "Sorry, I did not understand that. Text us again at any time."
