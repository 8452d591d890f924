"""The welcome mail of a real server at a real SMTP server, whatever dies between the two."""

import asyncio
import signal
from pathlib import Path

import aiohttp

from tests.integration.user.mailbox import Mailbox, mailbox
from tests.process import EMBEDDED, Client, Server, serving

ACCOUNT = {
    "username": "ann",
    "email": "ann@example.org",
    "password": "correct horse",
    "nickname": "Ann\u202e <b@example.org>",
}


def made(state: Path, box: Mailbox, failpoint: str = "") -> Server:
    """Make a server that mails to the box."""
    settings = {"mail.server": f"127.0.0.1:{box.port}", "mail.tls": "none", "models.pull": "false"}
    return Server(state, settings=EMBEDDED | settings, failpoint=failpoint)


async def dead(state: Path, box: Mailbox, failpoint: str) -> None:
    """Register with a server that dies on the way to the mail."""
    server = await made(state, box, failpoint).start()
    async with aiohttp.ClientSession() as http:
        await Client(server.url["http"], http).data("POST", "/auth/register", ACCOUNT)
    assert await asyncio.wait_for(server.gone(), 30) == -signal.SIGKILL, server.log()


async def settled(server: Server) -> None:
    """Wait until no task of the user domain is left, as /metrics shows."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        while True:
            async with http.get(server.url["http"] + "/metrics") as response:
                lines = (await response.text()).splitlines()
            ended = 'queue="user_tasks"'
            left = [
                line
                for line in lines
                if ended in line and "depth" in line and float(line.split()[-1]) > 0
            ]
            if not left:
                return
            await asyncio.sleep(0.1)


async def test_a_kill_between_task_and_mail_sends_it_once(tmp_path: Path) -> None:
    """Killed after the claim and before the mail: after the restart one mail arrives."""
    async with mailbox() as box:
        await dead(tmp_path, box, "mail-claimed:kill")
        assert box.came == []
        server = await made(tmp_path, box).start()
        await asyncio.wait_for(box.grown.wait(), 60)
        await settled(server)
        assert await server.stop() == 0
    [(to, message)] = box.came
    assert to == ["ann@example.org"]
    assert message["To"].addresses[0].display_name == "Ann <b@example.org>"
    assert len(message["To"].addresses) == 1
    assert "ann" in message.get_content()
    assert not any("ann@example.org" in str(line) for line in server.lines)


async def test_a_kill_after_the_server_took_it_keeps_the_id(tmp_path: Path) -> None:
    """Killed after the mail and before the mark: the second one bears the same Message-ID."""
    async with mailbox() as box:
        await dead(tmp_path, box, "mail-accepted:kill")
        assert len(box.came) == 1
        box.grown.clear()
        server = await made(tmp_path, box).start()
        await asyncio.wait_for(box.grown.wait(), 60)
        await settled(server)
        assert await server.stop() == 0
    first, second = (message["Message-ID"] for _, message in box.came)
    assert first == second


async def test_the_login_log_and_the_folder_of_mails(tmp_path: Path) -> None:
    """Without a mail server the mail is a file; the login is in the log, over REST."""
    async with serving(tmp_path, models__pull="false") as server, aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        async with asyncio.timeout(30):
            while not (page := await ann.data("GET", "/users/logins"))["list"]:
                await asyncio.sleep(0.05)
            while not (mails := list((tmp_path / "mails").glob("*.eml"))):
                await asyncio.sleep(0.05)
    assert page["total"] == 1
    assert page["list"][0]["ip_address"] == "127.0.0.1"
    assert page["list"][0]["login_time"].endswith("Z")
    assert len(mails) == 1
    assert b"ann@example.org" in mails[0].read_bytes()
