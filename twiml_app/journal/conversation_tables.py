"""The tables of conversations, of the messages that wait for their turn, and of the dialogs that workers have."""

from __future__ import annotations

from typing import Final

#: The indexes are created with the tables, which are empty then, however large the journal is.
CONVERSATION_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS conversations (
    id {id},
    contact TEXT NOT NULL,
    sender TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at {real} NOT NULL,
    dialog TEXT,
    dialog_until {real} NOT NULL,
    handed_off_until {real} NOT NULL,
    updated_at {real} NOT NULL,
    keep_until {real} NOT NULL,
    UNIQUE (contact, sender)
)""",
    """CREATE TABLE IF NOT EXISTS conversation_tickets (
    id {id},
    contact TEXT NOT NULL,
    sender TEXT NOT NULL,
    owner BIGINT NOT NULL,
    work TEXT NOT NULL DEFAULT '',
    drawn_at {real} NOT NULL,
    keep_until {real} NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS dialog_versions (
    id {id},
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    keep_until {real} NOT NULL,
    UNIQUE (name, version)
)""",
    "CREATE INDEX IF NOT EXISTS conversations_keep ON conversations (keep_until)",
    "CREATE INDEX IF NOT EXISTS conversation_tickets_next ON conversation_tickets (contact, sender, id)",
    "CREATE INDEX IF NOT EXISTS conversation_tickets_keep ON conversation_tickets (keep_until)",
)
