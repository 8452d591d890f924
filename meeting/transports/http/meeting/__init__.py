"""The REST routes of the meeting domain."""

from meeting.transports.http.meeting.routes import routes

__all__ = ["routes"]
