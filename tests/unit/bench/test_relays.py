"""The relays of the bench that need no environment of their own: they bring what they are given."""

from pathlib import Path

import aiohttp
import pytest

from tests.bench.crowd import Crowd, Place, Said, pairs
from tests.bench.environment import command
from tests.bench.hosts import hosting
from tests.bench.switches import SWITCHES, Switch

HALL = Crowd(
    [Place("hall", "h0", 0), Place("hall", "h1", 1), Place("hall", "h2", 1)], [Said(0, [1, 2])]
)


@pytest.mark.parametrize(
    "switch", [each for each in SWITCHES if each.script in ("", "aiohttp")], ids=lambda it: it.name
)
async def test_readers_get_what_is_sent(switch: Switch, tmp_path: Path) -> None:
    """One to one and one to all others, each frame as it was numbered."""
    words = command(switch.script) if switch.script else []
    async with hosting(switch, words, tmp_path) as host, aiohttp.ClientSession() as http:
        for crowd in (pairs(4, seed=1), HALL):
            sockets = []
            for way in await host.invite(crowd):
                socket = await http.ws_connect(way.url)
                if way.hello:
                    await socket.send_str(way.hello)
                    assert (await socket.receive_json(timeout=20))["type"] == "joined"
                sockets.append(socket)
            for said in crowd.talks:
                sent = host.frame(crowd, said)
                await sockets[said.sender].send_str(sent)
                for reader in said.readers:
                    text = await sockets[reader].receive_str(timeout=20)
                    while "ice_candidate" not in text:  # who came after it
                        text = await sockets[reader].receive_str(timeout=20)
                    assert sent[sent.index("bench-") :] in text or "bench-00000000--" in text
            for socket in sockets:
                await socket.close()
