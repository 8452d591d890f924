"""All tables of all domains, gathered so that a migration sees them together."""

from meeting.stores.relational import (
    ai,
    calendar,
    copies,
    creations,
    credentials,
    documents,
    idempotency,
    leases,
    meeting,
    notification,
    outbox,
    parked,
    reports,
    rooms,
    signaling,
    tasks,
    user,
)
from meeting.stores.relational.database import metadata

__all__ = [
    "ai",
    "calendar",
    "copies",
    "creations",
    "credentials",
    "documents",
    "idempotency",
    "leases",
    "meeting",
    "metadata",
    "notification",
    "outbox",
    "parked",
    "reports",
    "rooms",
    "signaling",
    "tasks",
    "user",
]
