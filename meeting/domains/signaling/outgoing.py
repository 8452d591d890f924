"""What waits to be sent to one peer: bounded in frames and bytes, with a way past for pongs."""

import asyncio
from collections import deque
from enum import Enum


class Signal(Enum):
    """What the writer is told beside frames."""

    PING = "ping"
    END = "end"


class Outgoing:
    """The frames of one peer between those who send to it and its writer task.

    A frame counts until the writer comes back for the next, so the one that a full transport
    keeps the writer waiting with is within the bound too.
    """

    def __init__(self, frames: int, size: int) -> None:
        self._max_frames = frames
        self._max_size = size
        self._urgent: deque[bytes] = deque()
        self._frames: deque[bytes] = deque()
        self._flying = 0
        self._ping = False
        self._finished = False
        self._stirred = asyncio.Event()
        self.size = 0
        """Bytes that are held."""

    def put(self, frame: bytes, *, urgent: bool = False) -> bool:
        """Queue a frame; False when there is no room. After the end it is dropped, silently."""
        if self._finished:
            return True
        if len(self) >= self._max_frames or self.size + len(frame) > self._max_size:
            return False
        (self._urgent if urgent else self._frames).append(frame)
        self.size += len(frame)
        self._stirred.set()
        return True

    def ping(self) -> None:
        """Have a ping sent before the next frame."""
        self._ping = True
        self._stirred.set()

    def finish(self, *, drop: bool) -> None:
        """Take nothing more; what is queued is still sent, or dropped."""
        self._finished = True
        if drop:
            self._urgent.clear()
            self._frames.clear()
            self.size = self._flying
        self._stirred.set()

    async def take(self) -> bytes | Signal:
        """Wait for what is to be sent next."""
        self.size -= self._flying
        self._flying = 0
        while True:
            for frames in (self._urgent, self._frames):
                if self._ping and not self._finished:
                    self._ping = False
                    return Signal.PING
                if frames:
                    frame = frames.popleft()
                    self._flying = len(frame)
                    return frame
            if self._finished:
                return Signal.END
            self._stirred.clear()
            await self._stirred.wait()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._frames)
