"""How large one message of a call may be: decided by the call's row of the policy alone."""

from meeting.transports.policy import Load, Rule, Who

OPEN_BYTES = 64 * 2**10
"""Of whoever comes, known or not: a token, the name of a service, a question of reflection."""
CHUNK_BYTES = 2**20 + 64 * 2**10
"""A chunk of the contract, and what stands around it."""
JSON_BYTES = 4 * 2**20


def bound(rule: Rule, most: int) -> int:
    """Return how many bytes a message may have; never above `most`, which is the port's own."""
    if rule.who is Who.OPEN:
        return min(OPEN_BYTES, most)
    match rule.load:
        case Load.STREAM:
            return min(CHUNK_BYTES, most)
        case Load.JSON:
            return min(JSON_BYTES, most)
        case Load.SPEECH | Load.PICTURE:
            return most
