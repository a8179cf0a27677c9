"""Four tools for agents over the videos of one folder, and their OpenAI function schemas with a dispatcher."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from ..errors import TFGroundingError, VideoError, reason_to_skip
from ..media import clip_name, cut_clip
from .answers import grounded_video, matched_video
from .folder import SafeVideo, VideoFolder, readable
from .tool_models import (
    DEFAULT_TOP_K,
    LARGEST_TOP_K,
    LONGEST_CLIP_SECONDS,
    TOOLS,
    ExtractedClip,
    GroundedVideo,
    MatchedVideo,
    SkippedVideo,
    VideoDescription,
    VideoSearch,
)

if TYPE_CHECKING:
    from ..engines.base import Watched
    from ..engines.grounder import Grounder

Progress = Callable[[float, float, str], None]  # steps done, steps in all, what is being done; may raise to stop

LONGEST_QUERY_CHARACTERS = 1_000  # a sentence is a tenth of it, and text encoders read no further than 64 to 512 tokens
LONGEST_VIDEO_SECONDS = 6 * 3600  # at 3 samples a second its BLIP-2 vectors take 4 GB
CLIPS_FOLDER_BYTES = 4 * 2**30  # what an agent that goes round in circles can write


class VideoTools:
    """The tools over the videos below one folder; nothing outside it is read or written. Safe to share by threads.

    Args:
        root: the folder.
        grounder: what answers; None means one is made, with `settings`, when it is first needed.
        settings: of the Grounder.

    Raises:
        VideoError: the root is not a folder.

    Attributes:
        unfinished: the clips that are being written.
    """

    def __init__(self, root: str | Path, *, grounder: Grounder | None = None, **settings: Any) -> None:
        self.folder = VideoFolder(root)
        self.unfinished: set[Path] = set()
        self._grounder, self._settings = grounder, settings
        self._making = threading.Lock()

    def describe_video(self, video: str) -> VideoDescription:
        """What the container says. Raises VideoError: not a readable video below the root."""
        safe = self.folder.video(video)
        info = safe.source.info
        return VideoDescription(
            video=safe.name,
            duration_seconds=info.duration_seconds,
            width=info.width,
            height=info.height,
            frame_rate_hz=info.frame_rate_hz,
            codec=info.codec,
            size_bytes=safe.path.stat().st_size,
            warnings=list(info.warnings),
        )

    def ground_video(
        self, video: str, query: str, *, top_k: int | None = None, progress: Progress | None = None
    ) -> GroundedVideo:
        """When does it happen in one video?

        Args:
            video: path relative to the root.
            query: a sentence.
            top_k: moments at most; None means DEFAULT_TOP_K.
            progress: called with (seconds of video done, in all, what is being done); what it raises stops the work.

        Raises:
            TFGroundingError: a path, query or number that is not allowed, or a video that cannot be read.
        """
        query, count = _checked_query(query), _checked_top_k(top_k)
        safe = self.folder.video(video)

        def report(done: float, whole: float) -> None:
            if progress is not None:
                progress(done, whole, f"watching {safe.name}")

        return grounded_video(safe, self._watch(safe, report).ask(query, top_k=count))

    def search_videos(self, query: str, *, top_k: int | None = None, progress: Progress | None = None) -> VideoSearch:
        """In which of all videos below the root does it happen, and when? One moment a video, best video first.

        Args:
            query: a sentence.
            top_k: videos at most; None means DEFAULT_TOP_K.
            progress: called with (videos done, in all, what is being done); what it raises stops the work.

        Raises:
            TFGroundingError: a query or number that is not allowed, or no video below the root.
        """
        query, count = _checked_query(query), _checked_top_k(top_k)
        listed = self.folder.listed()
        videos = [name for name, reason in listed if reason is None]
        skipped = [SkippedVideo(video=name, reason=reason) for name, reason in listed if reason is not None]
        if not videos:
            raise VideoError("there is no video below the root folder")
        self._ready_grounder()  # what is wrong with the models is wrong for every video
        matches: list[MatchedVideo] = []
        stopped: list[BaseException] = []
        for number, name in enumerate(videos):

            def report(done: float, whole: float, number: int = number, name: str = name) -> None:
                if progress is not None:
                    try:
                        progress(number + min(1.0, done / whole), len(videos), f"watching {name}")
                    except BaseException as error:
                        stopped.append(error)
                        raise

            try:
                safe = self.folder.video(name)
                matches.append(matched_video(safe, self._watch(safe, report).ask(query, top_k=1)))
            except Exception as error:  # one bad video does not end a search
                if stopped:
                    raise stopped[0] from None
                skipped.append(SkippedVideo(video=name, reason=self.explain(error)))
        if progress is not None:
            progress(len(videos), len(videos), "done")
        matches.sort(key=lambda match: -match.similarity)
        return VideoSearch(query=query, matches=matches[:count], videos_searched=len(matches), skipped=skipped)

    def extract_clip(
        self, video: str, start_seconds: float, end_seconds: float, *, progress: Progress | None = None
    ) -> ExtractedClip:
        """Write a stretch of a video to a new file in the clips folder below the root.

        Args:
            video: path relative to the root.
            start_seconds, end_seconds: the stretch, in seconds from the first frame.
            progress: called with (seconds written, in all, what is being done); what it raises stops the work.

        Raises:
            TFGroundingError: a path or stretch that is not allowed, a full clips folder, or an unreadable video.
        """
        if not (math.isfinite(start_seconds) and math.isfinite(end_seconds)):
            raise TFGroundingError("start_seconds and end_seconds must be plain numbers")
        if end_seconds - start_seconds > LONGEST_CLIP_SECONDS:
            raise TFGroundingError(
                f"a clip may be {LONGEST_CLIP_SECONDS} s long, not {end_seconds - start_seconds:.0f} s; ask for less"
            )
        safe = self.folder.video(video)
        used = self.folder.clips_bytes()
        if used > CLIPS_FOLDER_BYTES:
            raise TFGroundingError(
                f"the clips folder holds {used / 2**30:.1f} GB, its limit is {CLIPS_FOLDER_BYTES / 2**30:.0f} GB; "
                "delete old clips to make more"
            )
        target = self.folder.new_clip(safe, clip_name(safe.name, start_seconds, end_seconds))
        self.unfinished.add(target)
        try:
            clip = cut_clip(
                safe.source,
                target,
                start_seconds=start_seconds,
                end_seconds=end_seconds,
                progress=lambda done, whole: progress and progress(done, whole, f"writing {target.name}"),
            )
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            self.unfinished.discard(target)
        return ExtractedClip(
            clip=self.folder.relative(target),
            video=safe.name,
            start_seconds=clip.start_seconds,
            end_seconds=clip.end_seconds,
            has_sound=clip.has_sound,
        )

    def call(self, name: str, arguments: str | dict[str, Any], *, progress: Progress | None = None) -> str:
        """Run the tool that a model asked for, as its API hands the request over.

        Args:
            name: the tool's name.
            arguments: its arguments as a JSON object, as text or read already.
            progress: as for the tools.

        Returns:
            JSON to give back to the model: the tool's result, or {"error": what was wrong and what is allowed}.
        """
        if not isinstance(name, str) or name not in TOOLS:
            return json.dumps({"error": unknown_tool(name)})
        try:
            model = TOOLS[name]
            request = (
                model.model_validate(arguments) if isinstance(arguments, dict) else model.model_validate_json(arguments)
            )
            given: dict[str, Any] = dict(request)
            if name != "describe_video":
                given["progress"] = progress
            result: BaseModel = getattr(self, name)(**given)
        except ValidationError as error:
            return json.dumps({"error": wrong_arguments(name, error)})
        except TFGroundingError as error:
            return json.dumps({"error": self.explain(error)})
        return result.model_dump_json()

    def explain(self, error: Exception) -> str:
        """An error's sentence as clients may read it: paths relative to the root."""
        return readable(reason_to_skip(error).replace(f"{self.folder.root}/", ""))

    def _ready_grounder(self) -> Grounder:
        with self._making:
            if self._grounder is None:
                from ..engines.grounder import Grounder

                self._grounder = Grounder(**self._settings)
            return self._grounder

    def _watch(self, video: SafeVideo, progress: Callable[[float, float], None]) -> Watched:
        def within_limit(done: float, whole: float) -> None:
            if max(done, whole) > LONGEST_VIDEO_SECONDS:  # also while reading: a header may have stated less
                raise VideoError(
                    f"{video.name} is {max(done, whole) / 3600:.1f} hours long, "
                    f"{LONGEST_VIDEO_SECONDS / 3600:g} are allowed"
                )
            progress(done, whole)

        within_limit(0.0, video.stated_seconds or 1.0)
        return self._ready_grounder().watch(video.source, progress=within_limit)


def openai_tools() -> list[dict[str, Any]]:
    """The tools as function schemas for OpenAI's chat API (`tools=...`), strict; `VideoTools(root).call` runs them."""
    import openai

    return [
        dict(openai.pydantic_function_tool(model, name=name, description=model.__doc__ or ""))
        for name, model in TOOLS.items()
    ]


def unknown_tool(name: Any) -> str:
    """Why there is nothing to call."""
    return f"there is no tool {repr(name)[:100]}; there are {', '.join(TOOLS)}"


def wrong_arguments(name: str, error: ValidationError) -> str:
    """Why a tool cannot be called like this, for the model that asked for it."""
    wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
    return f"the arguments do not fit {name}: {wrong}"


def _checked_query(query: str) -> str:
    if len(query) > LONGEST_QUERY_CHARACTERS:
        raise TFGroundingError(
            f"the query has {len(query)} characters, {LONGEST_QUERY_CHARACTERS} are allowed; "
            "say in one sentence what happens"
        )
    if not query.strip():
        raise TFGroundingError("the query is empty; say in one sentence what happens")
    if readable(query) != query:
        raise TFGroundingError("the query has characters that are no valid text (lone surrogates)")
    return query


def _checked_top_k(top_k: int | None) -> int:
    if top_k is None:
        return DEFAULT_TOP_K
    if not 1 <= top_k <= LARGEST_TOP_K:
        raise TFGroundingError(f"top_k must be from 1 to {LARGEST_TOP_K}, not {top_k}")
    return top_k
