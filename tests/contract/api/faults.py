"""What is refused, as the suites of the domains' apis say it."""

from collections.abc import Awaitable

from meeting.kernel.errors import Fault, Kind


async def refused(answer: Awaitable[object], kind: Kind, field: str = "") -> Fault:
    """Expect a call to be refused as `kind`, and where a field is at fault, by its name."""
    try:
        found = await answer
    except Fault as fault:
        assert fault.kind is kind, f"{fault.kind}: {fault}"
        if field:
            assert field in fault.details, fault.details
        return fault
    raise AssertionError(f"not refused as {kind}: {found!r}")
