"""Who is a service: the token that services show, and what is believed of whoever shows it."""

import hmac
import ipaddress
import re
from collections.abc import Mapping

import msgspec

from meeting.kernel.call import Caller
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID, id_of
from meeting.kernel.secret import Secret

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Services(msgspec.Struct, frozen=True):
    """Knows services by their token: the setting `grpc.secret`."""

    secret: Secret
    near: bool
    """The secret was made here, not set: it is good for callers on this machine alone."""

    def trusted(self, token: str, address: str) -> bool:
        """Tell whether a token is that of services."""
        if not hmac.compare_digest(token.encode(), self.secret.reveal().encode()):
            return False
        if self.near and not loopback(address):
            raise Fault(
                Kind.UNAUTHENTICATED,
                "this service token is good on its own machine; set grpc.secret on all of them",
            )
        return True

    @staticmethod
    def caller(headers: Mapping[str, str], address: str) -> Caller:
        """Believe who a service says it is and acts for, where it can be true."""
        name = headers.get("x-service", "service")
        if _NAME.fullmatch(name) is None:
            raise invalid("x-service", "must be 1 to 64 letters, digits, or . _ : -")
        acting = headers.get("x-user-id", "0")
        user_id = 0 if acting == "0" else id_of(acting)
        if user_id is None:
            raise invalid("x-user-id", f"must be 0 to {MAX_ID}")
        return Caller(user_id=user_id, service=name, address=address)


def loopback(address: str) -> bool:
    """Tell whether a peer is on this machine."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return found.is_loopback or (mapped is not None and mapped.is_loopback)
