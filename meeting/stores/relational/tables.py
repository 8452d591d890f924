"""All tables of all domains, gathered so that a migration sees them together."""

from meeting.stores.relational import documents, leases, outbox
from meeting.stores.relational.database import metadata

__all__ = ["documents", "leases", "metadata", "outbox"]
