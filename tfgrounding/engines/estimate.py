"""What queries would cost with a vision LLM, known before anything is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import TFGroundingError
from ..registry import find, make
from ..types import VideoInfo
from ..vision.profiles import Profile
from ..vision.views import TimeView
from .base import Engine

TOKEN_SIDE = 28  # pixels: a token of Qwen2-VL and its successors is a square of 28 x 28; other models are not far off
QUESTION_TOKENS, REPLY_TOKENS = 150, 40  # of a request
LONGEST_SIDE = 1024  # of a picture that is sent


@dataclass(frozen=True, slots=True)
class Estimate:
    """What queries cost at most where every reply can be used at once; a reply that cannot is asked for once more.

    `seconds`: None where no profile says how fast the server is. `by_profile`: whether the tokens of a picture were
    measured by `tfgrounding doctor`, or else follow from its size.
    """

    queries: int
    requests: int
    pictures: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float | None
    by_profile: bool

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.queries + other.queries,
            self.requests + other.requests,
            self.pictures + other.pictures,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            None if self.seconds is None or other.seconds is None else self.seconds + other.seconds,
            self.by_profile and other.by_profile,
        )


def engine_to_estimate(name: str, **settings: Any) -> Engine:
    """An engine as far as it is needed for an estimate: without its curves, whose encoder takes time to load.

    Args:
        name: a registered name or "module:Class".
        settings: vlm, view, budget_frames and what else the engine takes; None means its own.

    Raises:
        TFGroundingError: as `load_engine`, or the engine asks no vision LLM.
    """
    if not hasattr(find("engines", name)[0], "asks_at_most"):
        raise TFGroundingError(
            f"the {name} engine asks no vision LLM, or cannot say how much: there is nothing to estimate"
        )
    given = {setting: value for setting, value in settings.items() if value is not None}
    must_take = [setting for setting in given if setting in ("view", "budget_frames")]
    made: Engine = make("engines", name, needs=("name", "asks_at_most"), must_take=must_take, **given)
    return made


def estimate(engine: Engine, info: VideoInfo, *, queries: int = 1) -> Estimate:
    """What queries about a video cost, as `engine.asks_at_most` and the model's profile say.

    Args:
        engine: of `engine_to_estimate`, or another that has `asks_at_most`.
        info: of the video.
        queries: how many.

    Raises:
        ModelError: not a single picture fits a request.
    """
    asked: Any = engine
    requests, pictures = asked.asks_at_most(info)
    profile = getattr(asked.vlm, "profile", None) or Profile()
    tokens = profile.picture_tokens or picture_tokens(asked.view, info)
    seconds = None
    if profile.request_seconds or profile.picture_seconds:
        seconds = queries * (requests * profile.request_seconds + pictures * profile.picture_seconds)
    return Estimate(
        queries=queries,
        requests=queries * requests,
        pictures=queries * pictures,
        prompt_tokens=queries * round(pictures * tokens + requests * QUESTION_TOKENS),
        completion_tokens=queries * requests * REPLY_TOKENS,
        seconds=seconds,
        by_profile=bool(profile.picture_tokens),
    )


def picture_tokens(view: TimeView, info: VideoInfo) -> int:
    """The tokens of one picture, by its size in squares of 28 x 28 pixels."""
    height, width = frame_size(view, info)
    return math.ceil(height / TOKEN_SIDE) * math.ceil(width / TOKEN_SIDE) * view.frames_per_picture


def frame_size(view: TimeView, info: VideoInfo) -> tuple[int, int]:
    """(height, width) of a frame as it is sent: scaled down to the view's shorter side, never up."""
    scale = min(1.0, view.frame_side / min(info.width, info.height), LONGEST_SIDE / max(info.width, info.height))
    return max(1, round(info.height * scale)), max(1, round(info.width * scale))


def fitting_pictures(vlm: Any, view: TimeView, info: VideoInfo) -> int:
    """How many pictures like those of a video one request may hold. Raises ModelError."""
    picture = np.zeros((*frame_size(view, info), 3), dtype=np.uint8)
    return max(1, int(vlm.capacity([picture])))
