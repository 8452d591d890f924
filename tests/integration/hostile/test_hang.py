"""A client that sends half a request and stays must not keep the server from ending well."""

import socket
from pathlib import Path

import aiohttp

from tests.process import Client, serving


async def test_a_hanging_upload_does_not_spoil_the_end(tmp_path: Path) -> None:
    """After the drain's time the process ends as asked, with exit code 0 and no traceback."""
    patience = {"http__drain_seconds": "1"}
    async with (
        serving(tmp_path, engine__mode="external", models__pull="false", **patience) as server,
        aiohttp.ClientSession() as http,
    ):
        client = await Client(server.url["http"], http).enter("alice")
        host, _, port = server.url["http"].removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as hanging:
            head = f"POST /api/v1/meetings HTTP/1.1\r\nAuthorization: Bearer {client.token}\r\n"
            hanging.sendall(f"{head}Host: {host}\r\nContent-Length: 100\r\n\r\n{{".encode())
            await client.data("GET", "/users/profile")
            assert await server.stop() == 0
    assert server.tracebacks() == []
