"""All tables of all domains, gathered so that a migration sees them together."""

from meeting.stores.relational import (
    ai,
    creations,
    documents,
    idempotency,
    leases,
    meeting,
    notification,
    outbox,
    queue,
    signaling,
    user,
)
from meeting.stores.relational.database import metadata

__all__ = [
    "ai",
    "creations",
    "documents",
    "idempotency",
    "leases",
    "meeting",
    "metadata",
    "notification",
    "outbox",
    "queue",
    "signaling",
    "user",
]
