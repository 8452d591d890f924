"""How deep requests go from domain to domain, told by the spans of a whole house in here."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from meeting.app.assembly.house import build
from meeting.app.load import load
from meeting.kernel.call import MAX_DEPTH
from meeting.kernel.trace import DEPTH
from tests.process import EMBEDDED, Client

SOUND = "AAAA" * 800


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """Keep the spans of this process; a provider can be installed once."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    yield kept
    provider.shutdown()


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Open a whole house without an engine, in the test's own process."""
    apart = {"engine.mode": "external", "models.pull": "false", "state_dir": str(tmp_path)}
    flags = [f"{key}={value}" for key, value in (EMBEDDED | apart).items()]
    house = await build(load(environ={}, flags=flags))
    await house.start()
    yield house.addresses["http"]
    await house.stop()


def deep(spans: Sequence[ReadableSpan]) -> dict[str, int]:
    """Return how many calls lie on top of each other at most, by the name of the topmost."""
    found: dict[str, int] = {}
    by_id = {span.context.span_id: span for span in spans if span.context is not None}
    for span in spans:
        depth, above = 1, span.parent
        while above is not None and above.span_id in by_id:
            depth, above = depth + 1, by_id[above.span_id].parent
        found[span.name] = max(depth, found.get(span.name, 0))
    return found


async def test_no_request_goes_deeper_than_two(spans: InMemorySpanExporter, url: str) -> None:
    """Whatever users do, a request causes calls two deep at most, and says itself how deep."""
    async with aiohttp.ClientSession() as http:
        ann = await Client(url, http).enter("ann")
        bob = await Client(url, http).enter("bob")
        meeting_id = await ann.meeting()
        async with await ann.socket(meeting_id) as one, await bob.socket(meeting_id):
            assert (await one.receive_json())["type"] == "user_joined"
            await ann.data("POST", "/signaling/ticket", {"meeting_id": meeting_id})
            left = await bob.data("POST", f"/meetings/{meeting_id}/leave")
            assert left["id"] == meeting_id
            await bob.data("POST", f"/meetings/{meeting_id}/join", {})
            body = {"audio_data": SOUND, "meeting_id": meeting_id}
            status, _ = await bob.ask("POST", "/ai/speech-recognition", body)
            assert status == 503
            await ann.data("POST", f"/meetings/{meeting_id}/end")
            while (await one.receive_json())["type"] != "meeting_ended":
                pass
    finished = spans.get_finished_spans()
    depths = deep(finished)
    assert max(depths.values()) == MAX_DEPTH, depths
    assert depths["user.validate_token"] == 1
    assert depths["meeting.validate_user_access"] == 1
    assert depths["user.get_user"] == MAX_DEPTH
    for span in finished:
        assert span.attributes is not None
        assert span.attributes[DEPTH] <= MAX_DEPTH, span.name  # type: ignore[operator]
