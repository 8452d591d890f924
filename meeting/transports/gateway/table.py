"""Which owner a path goes to."""

from collections.abc import Mapping

from meeting.transports import policy
from meeting.transports.match import Match, Table as Rows
from meeting.transports.policy import Domain, Load, Route


class Table:
    """All routes with their owners; what is nobody's is the user domain's.

    It answers like any owner: 401 without a credential, 404 with one.
    """

    def __init__(self) -> None:
        self.routes: Mapping[Route, Domain] = policy.owners()
        self._rows = Rows(policy.whole())
        self._owners: dict[str, Domain] = {}
        for (_, template), domain in self.routes.items():
            if self._owners.setdefault(template, domain) is not domain:
                raise LookupError(f"{template} has two owners; see transports/policy.py")

    def find(self, path: str) -> Match:
        """Look a path up."""
        return self._rows.find(path)

    def owner(self, path: str, match: Match) -> Domain:
        """Return who answers a path, whatever the method."""
        if path in policy.SOCKETS:
            return policy.SOCKETS[path]
        return self._owners.get(match.template, Domain.USER)


def load(match: Match, method: str) -> Load:
    """Return what kind of work a request is."""
    rule = match.rules.get(method)
    return Load.JSON if rule is None else rule.load
