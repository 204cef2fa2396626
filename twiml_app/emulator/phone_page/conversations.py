"""The conversations of the phone page: the messages between a contact and one of our numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..database import Database
from ..resources import MessageRecord, load
from ..store import ResourceStore

#: The most conversations in a list, and the most messages of one answer.
MAX_CONVERSATIONS = 500
MAX_MESSAGES = 200

_NEWEST = 1 << 62
_PAIRS = """
SELECT json_extract(data, '$.from_'), json_extract(data, '$.to'), json_extract(data, '$.direction') = 'inbound', max(n)
FROM resources INDEXED BY messages_by_address WHERE kind = 'MessageRecord'
GROUP BY json_extract(data, '$.from_'), json_extract(data, '$.to'), json_extract(data, '$.direction') = 'inbound'
"""
#: Each half reads the index backwards from the end, so it reads no more messages than are wanted.
_MESSAGES = """
SELECT * FROM (SELECT n, data FROM resources WHERE kind = 'MessageRecord'
    AND json_extract(data, '$.from_') = :contact AND json_extract(data, '$.to') = :number
    AND (json_extract(data, '$.direction') = 'inbound') = 1 AND n < :before ORDER BY n DESC LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT n, data FROM resources WHERE kind = 'MessageRecord'
    AND json_extract(data, '$.from_') = :number AND json_extract(data, '$.to') = :contact
    AND (json_extract(data, '$.direction') = 'inbound') = 0 AND n < :before ORDER BY n DESC LIMIT :limit)
ORDER BY n DESC LIMIT :limit
"""
_ROWS = "SELECT n, data FROM resources WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n DESC"
_REPLIES = """
SELECT n, data FROM resources WHERE kind = 'MessageRecord' AND n > ? AND n < ? + 1000
    AND json_extract(data, '$.in_reply_to') = ? ORDER BY n LIMIT 100
"""


class Placed(NamedTuple):
    """A message, and its place in the order of creation."""

    n: int
    message: MessageRecord


@dataclass(frozen=True, slots=True)
class Pair:
    """A contact and one of our numbers; the number is empty while a service has not chosen its sender."""

    contact: str
    number: str

    @classmethod
    def of(cls, message: MessageRecord) -> Pair:
        """Return the pair of a message."""
        return cls(message.contact, message.number)


class Conversations:
    """Finds conversations and messages; each query is quick with ten thousand messages."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    @property
    def _database(self) -> Database:
        return self._store.database

    def latest(self, limit: int) -> list[tuple[Pair, Placed]]:
        """Return the conversations with their newest messages, the most recent first."""
        newest: dict[Pair, int] = {}
        for from_, to, is_inbound, n in self._database.query(_PAIRS):
            pair = Pair(from_, to) if is_inbound else Pair(to, from_)
            newest[pair] = max(n, newest.get(pair, 0))
        wanted = sorted(newest.values(), reverse=True)[:limit]
        placed = self._placed(self._database.query(_ROWS, (str(wanted),)))
        return [(Pair.of(each.message), each) for each in placed]

    def messages(self, pair: Pair, *, before: str = "", limit: int = MAX_MESSAGES) -> list[Placed]:
        """Return the messages of a conversation, newest first, older than the one with the sid ``before``."""
        values = {
            "contact": pair.contact,
            "number": pair.number,
            "before": self._store.place(MessageRecord, before) if before else _NEWEST,
            "limit": limit,
        }
        return self._placed(self._database.query(_MESSAGES, values))

    def find(self, sid: str) -> Placed | None:
        """Return a message."""
        message = self._store.get(MessageRecord, sid)
        return Placed(self._store.place(MessageRecord, sid), message) if message else None

    def replies(self, placed: Placed) -> list[Placed]:
        """Return the replies to an inbound message, oldest first; they were created soon after it."""
        return self._placed(self._database.query(_REPLIES, (placed.n, placed.n, placed.message.sid)))

    def _placed(self, rows: list[tuple[int, str]]) -> list[Placed]:
        return [Placed(n, load(MessageRecord, data)) for n, data in rows]
