"""AIService, both ways: what others call here, and the `AiApi` of a process elsewhere."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from meeting.domains.ai.api import (
    AiApi,
    AiResult,
    AudioAnswer,
    AudioRequest,
    Chunk,
    Findings,
    FrameAnswer,
    FrameRequest,
    VideoChunk,
)
from meeting.domains.ai.stream import Streams
from meeting.kernel.call import Call
from meeting.transports.grpc import alike, messages
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.messages.grpc import (
    AiStreamResult,
    AudioChunk,
    GetAiAnalysisRequest,
    GetAiAnalysisResponse,
    ProcessAudioDataRequest,
    ProcessAudioDataResponse,
    ProcessVideoFrameRequest,
    ProcessVideoFrameResponse,
    VideoChunk as Wire,
)
from meeting.transports.grpc.method import method
from meeting.transports.grpc.service import Rpc, service


def results_out(results: Mapping[str, AiResult]) -> dict[str, messages.grpc.AiResult]:
    """Write what several tasks found, each by its name."""
    return {name: alike.message(messages.grpc.AiResult, each) for name, each in results.items()}


def results_in(wires: Mapping[str, messages.grpc.AiResult]) -> dict[str, AiResult]:
    """Read what several tasks found."""
    return {name: alike.struct(AiResult, each) for name, each in wires.items()}


def findings_out(found: Findings) -> GetAiAnalysisResponse:
    """Write what is kept of a task or a meeting."""
    results = [alike.message(messages.grpc.AiResult, each) for each in found.results]
    return alike.message(GetAiAnalysisResponse, found, results=results)


def findings_in(wire: GetAiAnalysisResponse) -> Findings:
    """Read what is kept of a task or a meeting."""
    return alike.struct(
        Findings, wire, results=[alike.struct(AiResult, each) for each in wire.results]
    )


def served(ai: AiApi, streams: Streams) -> list[Rpc]:
    """Make AIService of the AI domain."""

    async def audio(call: Call, asked: ProcessAudioDataRequest) -> ProcessAudioDataResponse:
        found = await ai.process_audio_data(call, alike.struct(AudioRequest, asked))
        return alike.message(ProcessAudioDataResponse, found, results=results_out(found.results))

    async def frame(call: Call, asked: ProcessVideoFrameRequest) -> ProcessVideoFrameResponse:
        found = await ai.process_video_frame(call, alike.struct(FrameRequest, asked))
        return alike.message(ProcessVideoFrameResponse, found, results=results_out(found.results))

    async def analysis(call: Call, asked: GetAiAnalysisRequest) -> GetAiAnalysisResponse:
        return findings_out(await ai.get_ai_analysis(call, asked.task_id, asked.meeting_id))

    async def listen(call: Call, wires: AsyncIterator[AudioChunk]) -> AsyncIterator[AiStreamResult]:
        chunks = (alike.struct(Chunk, each) async for each in wires)
        async with aclosing(streams.stream(call, chunks)) as results:
            async for result in results:
                yield alike.message(AiStreamResult, result)

    async def watch(call: Call, wires: AsyncIterator[Wire]) -> AsyncIterator[AiStreamResult]:
        chunks = (alike.struct(VideoChunk, each) async for each in wires)
        async with aclosing(streams.watch(call, chunks)) as results:
            async for result in results:
                yield alike.message(AiStreamResult, result)

    return service(
        "AIService",
        {
            "ProcessAudioData": audio,
            "ProcessVideoFrame": frame,
            "GetAIAnalysis": analysis,
            "StreamAudioProcessing": listen,
            "StreamVideoProcessing": watch,
        },
    )


class AiClient:
    """Satisfies `AiApi` by calls to another process; what takes long has the caller's deadline."""

    _audio = method("/grpc.AIService/ProcessAudioData")
    _frame = method("/grpc.AIService/ProcessVideoFrame")
    _analysis = method("/grpc.AIService/GetAIAnalysis", repeat=True)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def process_audio_data(self, call: Call, request: AudioRequest) -> AudioAnswer:
        """Have a recording analysed; each name in `tasks` has a result under it."""
        asked = alike.message(ProcessAudioDataRequest, request)
        answer = await self._channel.call(self._audio, call, asked)
        return alike.struct(AudioAnswer, answer, results=results_in(answer.results))

    async def process_video_frame(self, call: Call, request: FrameRequest) -> FrameAnswer:
        """Have a picture analysed, likewise."""
        asked = alike.message(ProcessVideoFrameRequest, request)
        answer = await self._channel.call(self._frame, call, asked)
        return alike.struct(FrameAnswer, answer, results=results_in(answer.results))

    async def get_ai_analysis(self, call: Call, task_id: str = "", meeting_id: int = 0) -> Findings:
        """Return a task with its results, or the newest results of a meeting; for its members."""
        asked = GetAiAnalysisRequest(task_id=task_id, meeting_id=meeting_id)
        return findings_in(await self._channel.call(self._analysis, call, asked))
