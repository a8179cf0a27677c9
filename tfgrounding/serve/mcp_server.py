"""The tools as an MCP server: any MCP client can ask the videos of one folder when something happens."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field, ValidationError

from .. import __version__
from ..errors import TFGroundingError
from .tool_models import (
    TOOLS,
    DescribeVideo,
    ExtractClip,
    ExtractedClip,
    GroundedVideo,
    GroundVideo,
    SearchVideos,
    VideoDescription,
    VideoSearch,
)
from .tools import Progress, VideoTools, unknown_tool, wrong_arguments

CALLS_AT_ONCE = 2  # each decodes a video and waits for the one model: more would only take memory
SECONDS_BETWEEN_REPORTS = 0.25
SECONDS_TO_STOP = 1.0  # for clips that are being cut to be removed
STOPPED = 130  # the exit code after Ctrl-C, as for every command
INSTRUCTIONS = (
    "Find when things happen in videos. Paths are relative to one root folder; times are seconds from a video's first "
    "frame. search_videos finds the right video first, ground_video finds several moments in one. Describe one event "
    "in one plain sentence. Scores rank the moments of one video; similarity compares videos. A low similarity can "
    "mean that it does not happen at all: extract_clip and look before you rely on it."
)
READS_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ADDS_FILES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)

Result = TypeVar("Result")
Video = Annotated[str, Field(description=DescribeVideo.model_fields["video"].description)]
Query = Annotated[str, Field(description=GroundVideo.model_fields["query"].description)]
TopMoments = Annotated[int | None, Field(description=GroundVideo.model_fields["top_k"].description)]
TopVideos = Annotated[int | None, Field(description=SearchVideos.model_fields["top_k"].description)]
Start = Annotated[float, Field(description=ExtractClip.model_fields["start_seconds"].description)]
End = Annotated[float, Field(description=ExtractClip.model_fields["end_seconds"].description)]


class _CancelledError(Exception):
    """The client no longer wants the answer."""


class _Server(MCPServer[Any]):
    """Says in the words of `VideoTools.call` why it cannot call a tool; its calls end once `stopping` is set."""

    def __init__(self, tools: VideoTools, **settings: Any) -> None:
        super().__init__("tfgrounding", version=__version__, instructions=INSTRUCTIONS, **settings)
        self.tools = tools
        self.stopping = threading.Event()

    async def leave(self, code: int, last_words: str = "") -> None:
        """End the process, after the clips that are being cut were removed."""
        self.stopping.set()
        with anyio.move_on_after(SECONDS_TO_STOP, shield=True):
            while self.tools.unfinished:
                await anyio.sleep(0.01)
        with contextlib.suppress(OSError):
            sys.stderr.write(last_words)
            sys.stderr.flush()
        os._exit(code)

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        if name not in TOOLS:
            raise ToolError(unknown_tool(name))
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            problem = error.__cause__
            if isinstance(problem, ValidationError) and problem.title.startswith(name):  # of arguments, not of a result
                raise ToolError(wrong_arguments(name, problem)) from error
            raise


def build_server(tools: VideoTools, *, lifespan: Any = None) -> _Server:
    """An MCP server over the tools; `.run("stdio")` serves until the client hangs up.

    Args:
        tools: what it serves.
        lifespan: an asynchronous context manager that is entered while a client is served, as MCPServer takes it.
    """
    server = _Server(tools, log_level="WARNING", lifespan=lifespan)
    calls = anyio.CapacityLimiter(CALLS_AT_ONCE)

    async def run(ctx: Context, work: Callable[[Progress], Result]) -> Result:
        """Do the work in a thread, pass its progress on, and stop it when the call is cancelled."""
        cancelled = threading.Event()
        reported, reported_at = -1.0, 0.0

        def progress(done: float, whole: float, doing: str) -> None:
            nonlocal reported, reported_at
            if cancelled.is_set() or server.stopping.is_set():
                raise _CancelledError
            now = time.monotonic()
            if done > reported and (now - reported_at >= SECONDS_BETWEEN_REPORTS or done >= whole):  # it must increase
                reported, reported_at = done, now
                anyio.from_thread.run(ctx.report_progress, done, whole, doing)

        try:
            return await anyio.to_thread.run_sync(work, progress, abandon_on_cancel=True, limiter=calls)
        except TFGroundingError as error:
            raise ToolError(tools.explain(error)) from error
        except _CancelledError:
            raise ToolError("the server was stopped") from None
        finally:
            cancelled.set()

    @server.tool(description=DescribeVideo.__doc__, annotations=READS_ONLY, structured_output=True)
    async def describe_video(ctx: Context, video: Video) -> VideoDescription:
        return await run(ctx, lambda _: tools.describe_video(video))

    @server.tool(description=GroundVideo.__doc__, annotations=READS_ONLY, structured_output=True)
    async def ground_video(ctx: Context, video: Video, query: Query, top_k: TopMoments = None) -> GroundedVideo:
        return await run(ctx, lambda progress: tools.ground_video(video, query, top_k=top_k, progress=progress))

    @server.tool(description=SearchVideos.__doc__, annotations=READS_ONLY, structured_output=True)
    async def search_videos(ctx: Context, query: Query, top_k: TopVideos = None) -> VideoSearch:
        return await run(ctx, lambda progress: tools.search_videos(query, top_k=top_k, progress=progress))

    @server.tool(description=ExtractClip.__doc__, annotations=ADDS_FILES, structured_output=True)
    async def extract_clip(ctx: Context, video: Video, start_seconds: Start, end_seconds: End) -> ExtractedClip:
        return await run(ctx, lambda progress: tools.extract_clip(video, start_seconds, end_seconds, progress=progress))

    return server


def serve(tools: VideoTools) -> None:
    """Serve MCP over stdin and stdout until the client hangs up; Ctrl-C ends the process.

    A thread that waits for input cannot be interrupted, and Python waits for it: where the client has not closed that
    input, the process is ended from here.
    """
    try:
        anyio.run(_serve, tools)
    except* (BrokenPipeError, anyio.BrokenResourceError):
        pass  # the client is gone


async def _serve(tools: VideoTools) -> None:
    server = build_server(tools, lifespan=_until_disconnected)
    async with anyio.create_task_group() as group:
        group.start_soon(_leave_on_interrupt, server)
        await server.run_stdio_async()
        group.cancel_scope.cancel()


async def _leave_on_interrupt(server: _Server) -> None:
    # Windows has no such receiver: there asyncio ends the server after its next input.
    with contextlib.suppress(NotImplementedError), anyio.open_signal_receiver(signal.SIGINT) as interrupts:
        async for _ in interrupts:
            await server.leave(STOPPED, "tfgrounding: stopped\n")


@contextlib.asynccontextmanager
async def _until_disconnected(server: _Server) -> AsyncIterator[None]:
    try:
        yield
    except anyio.get_cancelled_exc_class():  # an answer could not be written: nobody reads them any more
        await server.leave(0)
