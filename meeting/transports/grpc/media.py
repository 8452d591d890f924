"""MediaService: nobody does its calls yet, so whoever may make one hears that."""

from meeting.transports.grpc.service import Rpc, service


def served() -> list[Rpc]:
    """Make MediaService."""
    return service("MediaService", {})
