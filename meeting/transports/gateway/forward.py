"""One HTTP request through the gateway: to its owner and back, part by part."""

import asyncio

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from meeting.kernel.errors import Fault
from meeting.transports.gateway import headers
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.owners import GONE, Owners, away
from meeting.transports.gateway.upload import Upload
from meeting.transports.http.bridge import Bridged
from meeting.transports.http.exchange import Exchange, linger
from meeting.transports.http.gate import harmless
from meeting.transports.policy import Domain, Load


class Passage:
    """Carries one request; `exchange` gets the status that the client is told."""

    def __init__(
        self, request: web.BaseRequest, bridged: Bridged, exchange: Exchange, domain: Domain
    ) -> None:
        self._request = request
        self._bridged = bridged
        self._exchange = exchange
        self._domain = domain

    async def run(
        self, owners: Owners, bounds: Bounds, load: Load, sent: CIMultiDict[str]
    ) -> web.StreamResponse:
        """Ask the owner with the headers `sent`, and return what was answered.

        What goes wrong before the answer begins is a fault; later the connection is cut, so that
        nobody takes a half for the whole.
        """
        request = self._request
        expects = headers.expects(request.headers, request.version)
        upload = Upload(request, bounds.owners.size(load), expects=expects)
        there = not upload.finished
        if there and (length := headers.length(request.headers)):
            sent["Content-Length"] = str(length)
        answer: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(bounds.whole(load)):
                answer = await owners.ask(
                    self._domain,
                    request.method,
                    request.raw_path,
                    sent,
                    upload=upload if there else None,
                    expects=expects and there,
                    load=load,
                )
                if answer.status < 200:
                    raise away(self._domain)  # nobody asked for another protocol
                last = not (upload.finished or harmless(self._exchange))
                said = await convey(request, self._exchange, answer, last=last)
        except TimeoutError:
            if self._exchange.status and request.transport is not None:
                request.transport.abort()
                raise ConnectionAbortedError from None
            raise away(self._domain) from None
        except Fault:
            # A client that does not send what it said makes the owner hang up: it is to blame.
            if upload.fault is not None:
                raise upload.fault from None
            raise
        finally:
            if answer is not None:
                answer.close()
            await upload.stop()
            self._exchange.finished = upload.finished
        if not upload.finished:
            await linger(self._bridged.receive)
        return said


async def convey(
    request: web.BaseRequest, exchange: Exchange, answer: aiohttp.ClientResponse, *, last: bool
) -> web.StreamResponse:
    """Give a client an owner's answer; an owner that dies within it cuts the connection.

    `last` says that no further request can be read on the connection.
    """
    found = headers.answer(answer.headers)
    if (length := answer.headers.get("Content-Length")) is not None:
        found["Content-Length"] = length
    said = web.StreamResponse(status=answer.status, reason=answer.reason, headers=found)
    if last:
        said.force_close()
    exchange.status = answer.status
    await said.prepare(request)
    while True:
        try:
            part = await answer.content.readany()
        except GONE:
            if request.transport is not None:
                request.transport.abort()
            return said
        if not part:
            break
        await said.write(part)
    await said.write_eof()
    return said
