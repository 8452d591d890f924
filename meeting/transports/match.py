"""How a request finds its row of the policy: by its path, which fits a template, and its method."""

import re
from collections.abc import Mapping

import msgspec

from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID, id_of
from meeting.transports.policy import Route, Rule, Who


class Match(msgspec.Struct, frozen=True):
    """What a path is: its template ("" where there is none) and its rows by method."""

    template: str
    rules: Mapping[str, Rule]
    values: Mapping[str, str]

    @property
    def open(self) -> bool:
        """Tell whether nobody needs a credential here, whatever the method."""
        return bool(self.rules) and all(rule.who is Who.OPEN for rule in self.rules.values())

    def rule(self, method: str) -> Rule:
        """Return the row for a method; `not_found` or `method_not_allowed` where there is none."""
        if not self.rules:
            raise Fault(Kind.NOT_FOUND, "there is no such route; GET /schema lists them")
        if method not in self.rules:
            allowed = ", ".join(sorted(self.rules))
            raise Fault(
                Kind.METHOD_NOT_ALLOWED,
                "this route takes {allowed}",
                details={"method": allowed},
                allowed=allowed,
            )
        return self.rules[method]

    def check(self) -> None:
        """Refuse an id in the path that can't be one."""
        for name, value in self.values.items():
            if id_of(value) is None:
                raise invalid(name, f"must be 1 to {MAX_ID}")


class Table:
    """Finds the rows of a path among the routes that one port serves."""

    def __init__(self, rules: Mapping[Route, Rule]) -> None:
        self.rules = rules
        self._fixed: dict[str, dict[str, Rule]] = {}
        self._open: dict[str, tuple[re.Pattern[str], dict[str, Rule]]] = {}
        for (method, template), rule in rules.items():
            if "{" in template:
                pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
                self._open.setdefault(template, (pattern, {}))[1][method] = rule
            else:
                self._fixed.setdefault(template, {})[method] = rule

    def find(self, path: str) -> Match:
        """Look a path up; fixed paths come before those with an id in them."""
        if path in self._fixed:
            return Match(path, self._fixed[path], {})
        for template, (pattern, rules) in self._open.items():
            if found := pattern.fullmatch(path):
                return Match(template, rules, found.groupdict())
        return Match("", {}, {})
