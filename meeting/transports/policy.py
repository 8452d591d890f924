"""Who may call what: one row a route.

A route without a row makes the app refuse to build. Who may do what *within* a meeting (member,
in, mod, host) is the rule of its use case; this table says who may knock at all.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

PREFIX = "/api/v1"


class Who(StrEnum):
    """What a request must bring along."""

    OPEN = "open"
    """Nothing."""
    USER = "user"
    """A good access token."""
    BOTH = "both"
    """A good access token, or the service token."""
    SERVICE = "service"
    """The service token alone."""


class Domain(StrEnum):
    """Who owns a route: in a split the process of that domain serves it."""

    USER = "user"
    MEETING = "meeting"
    SIGNALING = "signaling"
    AI = "ai"
    NOTIFICATION = "notification"
    MEDIA = "media"


class Load(StrEnum):
    """What kind of work a route is: decides how large a body may be and how long it may take."""

    JSON = "json"
    SPEECH = "speech"
    PICTURE = "picture"
    STREAM = "stream"
    """Goes on for as long as both sides like; each message is bounded."""


class Rule(msgspec.Struct, frozen=True):
    """The row of one route."""

    who: Who
    load: Load = Load.JSON
    auth: bool = False
    """Counts against the limit of an address, too, because passwords could be guessed here."""


Route = tuple[str, str]
"""Method and path template, without prefix: `("GET", "/meetings/{meeting_id}")`."""

USER = Rule(Who.USER)
OPEN = Rule(Who.OPEN)
SPEECH = Rule(Who.BOTH, Load.SPEECH)
PICTURE = Rule(Who.BOTH, Load.PICTURE)

OWNED: Mapping[Domain, Mapping[Route, Rule]] = MappingProxyType(
    {
        Domain.USER: {
            ("POST", "/auth/register"): Rule(Who.OPEN, auth=True),
            ("POST", "/auth/login"): Rule(Who.OPEN, auth=True),
            ("POST", "/auth/refresh"): Rule(Who.OPEN, auth=True),
            ("POST", "/auth/logout"): Rule(Who.USER, auth=True),
            ("GET", "/users/profile"): USER,
            ("PUT", "/users/profile"): USER,
            ("GET", "/users/logins"): USER,
        },
        Domain.NOTIFICATION: {
            ("GET", "/notifications"): USER,
            ("POST", "/notifications/{notification_id}/read"): USER,
        },
        Domain.MEETING: {
            ("POST", "/meetings"): USER,
            ("GET", "/meetings"): USER,
            ("GET", "/meetings/{meeting_id}"): USER,
            ("POST", "/meetings/{meeting_id}/start"): USER,
            ("POST", "/meetings/{meeting_id}/end"): USER,
            ("POST", "/meetings/{meeting_id}/join"): USER,
            ("POST", "/meetings/{meeting_id}/leave"): USER,
            ("GET", "/meetings/{meeting_id}/participants"): USER,
            ("POST", "/meetings/{meeting_id}/participants"): USER,
            ("GET", "/meetings/{meeting_id}/transcript"): USER,
            ("GET", "/meetings/{meeting_id}/analysis"): USER,
            ("GET", "/meetings/{meeting_id}/report"): USER,
            ("GET", "/meetings/{meeting_id}/room"): USER,
            ("POST", "/meetings/{meeting_id}/room"): USER,
            ("DELETE", "/meetings/{meeting_id}/room"): USER,
        },
        Domain.SIGNALING: {
            ("POST", "/signaling/ticket"): USER,
        },
        Domain.AI: {
            ("POST", "/ai/speech-recognition"): SPEECH,
            ("POST", "/ai/speech/recognition"): SPEECH,
            ("POST", "/ai/asr"): SPEECH,
            ("POST", "/ai/emotion-detection"): PICTURE,
            ("POST", "/ai/deepfake-detection"): PICTURE,
            ("GET", "/ai/analysis/{meeting_id}"): Rule(Who.BOTH),
        },
    }
)
"""The routes below `PREFIX`, each in the table of its owner."""

SOCKETS: Mapping[str, Domain] = MappingProxyType(
    {"/ws": Domain.SIGNALING, "/ws/signaling": Domain.SIGNALING}
)
"""Where WebSockets are opened, and who owns each; they check credentials themselves."""

POLICY: Mapping[Route, Rule] = MappingProxyType(
    {route: rule for table in OWNED.values() for route, rule in table.items()}
)
"""The routes below `PREFIX`."""

BARE: Mapping[Route, Rule] = MappingProxyType(
    {("GET", path): OPEN for path in ("/health", "/ready", "/metrics", "/schema")}
)
"""The routes without prefix and without envelope, which are on every port."""


_OPEN, _BOTH, _SERVICE = Rule(Who.OPEN), Rule(Who.BOTH), Rule(Who.SERVICE)
RPCS: Mapping[str, Rule] = MappingProxyType(
    {
        "/grpc.UserService/GetUser": _BOTH,
        "/grpc.UserService/ValidateToken": _OPEN,
        "/grpc.UserService/GetUsersByIds": _SERVICE,
        "/grpc.UserService/UpdateUserStatus": _SERVICE,
        "/grpc.MeetingService/GetMeeting": _BOTH,
        "/grpc.MeetingService/ValidateUserAccess": _BOTH,
        "/grpc.MeetingService/UpdateMeetingStatus": _SERVICE,
        "/grpc.MeetingService/GetActiveMeetings": _SERVICE,
        "/grpc.MeetingService/SaveAIAnalysisResult": _SERVICE,
        "/grpc.MediaService/NotifyRecordingStarted": _SERVICE,
        "/grpc.MediaService/NotifyRecordingStopped": _SERVICE,
        "/grpc.MediaService/NotifyMediaProcessing": _SERVICE,
        "/grpc.MediaService/GetMediaStats": _BOTH,
        "/grpc.SignalingService/NotifyUserJoined": _SERVICE,
        "/grpc.SignalingService/NotifyUserLeft": _SERVICE,
        "/grpc.SignalingService/BroadcastMessage": _SERVICE,
        "/grpc.SignalingService/GetRoomUsers": _BOTH,
        "/grpc.AIService/ProcessAudioData": Rule(Who.BOTH, Load.SPEECH),
        "/grpc.AIService/ProcessVideoFrame": Rule(Who.BOTH, Load.PICTURE),
        "/grpc.AIService/StreamAudioProcessing": Rule(Who.BOTH, Load.STREAM),
        "/grpc.AIService/StreamVideoProcessing": Rule(Who.BOTH, Load.STREAM),
        "/grpc.AIService/GetAIAnalysis": _BOTH,
        "/grpc.AIService/NotifyAIResult": _SERVICE,
        "/grpc.NotificationService/SendNotification": _SERVICE,
        "/grpc.NotificationService/SendBulkNotifications": _SERVICE,
        "/grpc.NotificationService/GetNotificationHistory": _BOTH,
        "/grpc.health.v1.Health/Check": _OPEN,
        "/grpc.health.v1.Health/Watch": Rule(Who.OPEN, Load.STREAM),
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": Rule(Who.OPEN, Load.STREAM),
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(
            Who.OPEN, Load.STREAM
        ),
    }
)
"""The calls of gRPC by path."""

LATER = frozenset(
    {
        "/grpc.MediaService/NotifyRecordingStarted",
        "/grpc.MediaService/NotifyRecordingStopped",
        "/grpc.MediaService/NotifyMediaProcessing",
        "/grpc.MediaService/GetMediaStats",
        "/grpc.AIService/NotifyAIResult",
    }
)
"""Calls that nobody here does yet: whoever may call them hears UNIMPLEMENTED."""


def whole() -> dict[Route, Rule]:
    """Return all rows, with the paths as they are on the wire."""
    return {(method, PREFIX + path): rule for (method, path), rule in POLICY.items()} | dict(BARE)


def owners() -> dict[Route, Domain]:
    """Return who owns each route, with the paths as they are on the wire; nobody owns `BARE`."""
    return {
        (method, PREFIX + path): domain for domain, table in OWNED.items() for method, path in table
    }


def rows(routes: Iterable[Route], domains: Collection[Domain] = tuple(Domain)) -> dict[Route, Rule]:
    """Return the rows of the given wire routes on a port of `domains`.

    A route without a row, or one that another domain owns, is an error of ours.
    """
    table, owned = whole(), owners()
    wanted = list(routes)
    if missing := sorted(route for route in wanted if route not in table):
        msg = f"routes without a row in transports/policy.py: {missing}; add one each"
        raise LookupError(msg)
    others = {route for route, domain in owned.items() if domain not in domains}
    if foreign := sorted(others.intersection(wanted)):
        msg = f"routes that others own than {sorted(domains)}: {foreign}; see transports/policy.py"
        raise LookupError(msg)
    return {route: table[route] for route in wanted}
