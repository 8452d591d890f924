"""How this process is, as its health routes and services tell it."""

from meeting.app.run import House
from meeting.transports.http.health import ModuleState, Readiness


def readiness(house: House) -> Readiness:
    """Return how the house stands, module by module."""
    modules = {}
    for module in house.modules:
        state, reason = module.standing
        modules[module.name] = ModuleState(state=state, reason=reason)
    return Readiness(status=house.status, modules=modules)
