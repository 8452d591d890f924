"""The owners of the routes: where each is, and the connections to them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import aiohttp
import structlog
from aiohttp import ClientHandlerType
from multidict import CIMultiDict
from yarl import URL

from meeting.kernel.errors import Fault, Kind
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.upload import Flow, Upload
from meeting.transports.policy import Domain, Load

log = structlog.get_logger(__name__)

POOL_SECONDS = 10.0
"""How long an unused connection is kept; each owner keeps it longer, so none closes under us."""
READ_BYTES = 64 * 2**10
HEADERS = 100
AUTO = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What the library would add by itself, and no client has said."""
UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What goes wrong before a byte of a request is sent: another address may be tried."""


class Lost(Exception):
    """The connection to an owner ended under a request, which may have been executed."""


GONE = (aiohttp.ClientError, OSError, TimeoutError, Lost)
"""What goes wrong at an owner later on."""


class Refused(Exception):
    """An owner answered a request for a WebSocket with something else, which is read by now."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        super().__init__(answer.status)
        self.answer = answer


class OwnerSocket(aiohttp.ClientWebSocketResponse[bool]):
    """An owner's side of a WebSocket, which can also end as a lost connection does."""

    def __init__(
        self,
        reader: Any,
        writer: Any,
        protocol: Any,
        response: aiohttp.ClientResponse,
        *more: Any,
        **named: Any,
    ) -> None:
        super().__init__(reader, writer, protocol, response, *more, **named)
        self._answer = response

    def end(self) -> None:
        """Hang up after what was sent, without a close: its owner takes the client for lost."""
        self._answer.close()

    def abort(self) -> None:
        """Hang up now."""
        connection = self._answer.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self.end()


class Ring:
    """The addresses of one owner, in the order in which they are tried."""

    def __init__(self, domain: Domain, urls: Sequence[str]) -> None:
        if not urls:
            raise ValueError(f"{domain}: an owner needs an address")
        self._urls = [url.rstrip("/") for url in urls]
        self._first = 0

    def steady(self) -> Iterator[str]:
        """Begin with the address that was the last to be reached."""
        first, count = self._first, len(self._urls)
        return (self._urls[(first + step) % count] for step in range(count))

    def spread(self) -> Iterator[str]:
        """Begin with another address each time."""
        self._first = (self._first + 1) % len(self._urls)
        return self.steady()

    def reached(self, url: str) -> None:
        """Note that an address answers."""
        self._first = self._urls.index(url)


class Owners:
    """Asks the owners; one that can't be reached is `unavailable`, by its name.

    A request goes out once: the next address of an owner is tried only where nothing was sent.
    """

    def __init__(self, addresses: Mapping[Domain, Sequence[str]], bounds: Bounds) -> None:
        self._rings = {domain: Ring(domain, urls) for domain, urls in addresses.items()}
        self._bounds = bounds
        self._calls: aiohttp.ClientSession
        self._sockets: aiohttp.ClientSession

    async def start(self) -> None:
        """Make the pools; nothing is connected yet."""
        bounds = self._bounds
        pool = aiohttp.TCPConnector(
            limit=0, limit_per_host=bounds.pool, keepalive_timeout=POOL_SECONDS
        )
        self._calls = self._session(pool, _once)
        # Apart from the pool: sockets stay for hours, and take no request its place.
        sockets = aiohttp.TCPConnector(limit=bounds.sockets, force_close=True)
        self._sockets = self._session(sockets, _upgraded)

    async def close(self) -> None:
        """Close all connections."""
        await self._calls.close()
        await self._sockets.close()

    async def ask(
        self,
        domain: Domain,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        *,
        upload: Upload | None = None,
        expects: bool = False,
        load: Load = Load.JSON,
    ) -> aiohttp.ClientResponse:
        """Send a request and return the answer once its head is there; the caller closes it."""
        ring = self._ring(domain)
        for url in ring.steady():
            try:
                answer = await self._calls.request(
                    method,
                    URL(url + target, encoded=True),
                    headers=headers,
                    data=None if upload is None else Flow(upload),
                    expect100=expects,
                    allow_redirects=False,
                    timeout=self._timeout(load),
                )
            except UNSENT as error:
                _note(domain, url, error)
                continue
            except GONE as error:
                _note(domain, url, error)
                break
            ring.reached(url)
            return answer
        raise away(domain)

    async def socket(self, domain: Domain, target: str, headers: CIMultiDict[str]) -> OwnerSocket:
        """Open a WebSocket; `Refused` holds what an owner says instead."""
        ring = self._ring(domain)
        for url in ring.spread():
            try:
                opened = await self._sockets.ws_connect(
                    URL(url + target, encoded=True),
                    headers=headers,
                    autoclose=False,
                    autoping=False,
                    compress=0,
                    max_msg_size=self._bounds.message_bytes,
                    decode_text=False,
                )
            except UNSENT as error:
                _note(domain, url, error)
                continue
            except GONE as error:
                _note(domain, url, error)
                break
            ring.reached(url)
            return cast("OwnerSocket", opened)
        raise away(domain)

    def _ring(self, domain: Domain) -> Ring:
        if domain not in self._rings:
            raise away(domain)
        return self._rings[domain]

    def _timeout(self, load: Load) -> aiohttp.ClientTimeout:
        silence = self._bounds.silence(load)
        return aiohttp.ClientTimeout(
            connect=self._bounds.connect_seconds,
            sock_read=None if math.isinf(silence) else silence,  # a person is at a debugger
        )

    def _session(
        self,
        connector: aiohttp.TCPConnector,
        middleware: Callable[[aiohttp.ClientRequest, ClientHandlerType], Any],
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # a cookie is a client's, never the gateway's
            skip_auto_headers=AUTO,
            auto_decompress=False,
            timeout=self._timeout(Load.JSON),
            middlewares=(middleware,),
            ws_response_class=cast("Any", OwnerSocket),  # its text stays bytes
            read_bufsize=READ_BYTES,
            max_headers=HEADERS,
        )


def away(domain: Domain) -> Fault:
    """Say which owner does not answer."""
    return Fault(
        Kind.UNAVAILABLE,
        "the {peer} service does not answer; try again",
        details={"peer": str(domain)},
        peer=str(domain),
    )


def _note(domain: Domain, url: str, error: BaseException) -> None:
    # The library's texts hold the whole URL, and that may hold a token.
    name = type(error.__cause__ or error).__name__
    log.warning("an owner does not answer", owner=domain, url=url, error=name)


async def _once(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Hide the end of a connection from the library, which would send some requests again."""
    try:
        return await handler(request)
    except UNSENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Lost from error


async def _upgraded(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep an owner's refusal, of which the library would keep the status alone."""
    answer = await _once(request, handler)
    if answer.status != 101:
        raise Refused(answer)
    return answer
