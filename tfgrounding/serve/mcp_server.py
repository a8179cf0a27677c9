"""The tools as an MCP server: any MCP client can ask the videos of one folder when something happens."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from .. import __version__
from ..errors import TFGroundingError
from .tool_models import (
    DescribeVideo,
    ExtractClip,
    ExtractedClip,
    GroundedVideo,
    GroundVideo,
    SearchVideos,
    VideoDescription,
    VideoSearch,
)
from .tools import Progress, VideoTools

CALLS_AT_ONCE = 2  # each decodes a video and waits for the one model: more would only take memory
SECONDS_BETWEEN_REPORTS = 0.25
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


def build_server(tools: VideoTools) -> MCPServer[Any]:
    """An MCP server over the tools; `.run("stdio")` serves until the client hangs up."""
    server: MCPServer[Any] = MCPServer(
        "tfgrounding", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    calls = anyio.CapacityLimiter(CALLS_AT_ONCE)

    async def run(ctx: Context, work: Callable[[Progress], Result]) -> Result:
        """Do the work in a thread, pass its progress on, and stop it when the call is cancelled."""
        cancelled = threading.Event()
        reported, reported_at = -1.0, 0.0

        def progress(done: float, whole: float, doing: str) -> None:
            nonlocal reported, reported_at
            if cancelled.is_set():
                raise _CancelledError
            now = time.monotonic()
            if done > reported and (now - reported_at >= SECONDS_BETWEEN_REPORTS or done >= whole):  # it must increase
                reported, reported_at = done, now
                anyio.from_thread.run(ctx.report_progress, done, whole, doing)

        try:
            return await anyio.to_thread.run_sync(work, progress, abandon_on_cancel=True, limiter=calls)
        except TFGroundingError as error:
            raise ToolError(tools.explain(error)) from error
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
    """Serve MCP over stdin and stdout until the client hangs up."""
    with contextlib.suppress(KeyboardInterrupt):
        build_server(tools).run("stdio")
