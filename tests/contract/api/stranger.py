"""A process that calls a domain by gRPC for a suite, which asks on stdin and hears on stdout."""

import asyncio
import os
import pickle
import sys

from meeting.kernel.errors import Fault
from tests.contract.api.ways import LENGTH, client


async def main() -> None:
    """Make one call after the other until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is logged is no answer
    clients = {}
    while head := await asyncio.to_thread(sys.stdin.buffer.read, LENGTH.size):
        size = LENGTH.unpack(head)[0]
        asked = await asyncio.to_thread(sys.stdin.buffer.read, size)
        domain, address, name, args, named = pickle.loads(asked)  # noqa: S301 - the suite's own
        if (domain, address) not in clients:
            clients[domain, address] = client(domain, address)
        _, api = clients[domain, address]
        try:
            answer = True, await getattr(api, name)(*args, **named)
        except Fault as fault:
            answer = False, (fault.kind, str(fault), dict(fault.details))
        said = pickle.dumps(answer)
        answers.write(LENGTH.pack(len(said)) + said)
        answers.flush()


if __name__ == "__main__":
    asyncio.run(main())
