"""Everything that decides the numbers of a run, and what a run can say of itself."""

from __future__ import annotations

import hashlib
import math
import platform
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..encoders.base import Encoder
from ..errors import DatasetError, TFGroundingError, without_secrets
from ..llm.prompting import prompt_names, prompts
from ..registry import find
from ..vision.vlm import VisionModel, load_vlm
from .datasets import Dataset

PACKAGES = ("av", "numba", "numpy", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the numbers of a run, small enough to send to other processes.

    `videos`, `features`: folders with a file for each video; features take the place of decoding and encoding, and an
    engine that looks at pictures as well needs both. `captions`: a file of texts with times (see `Captions`), which
    take the place of the videos. `picture_rate_hz`: given, folders of pictures in `videos` are videos too, of so many
    pictures a second. `text_features`: a file for `StoredTexts`, in place of an encoder. `planner`: a planner's name,
    or "none" to search by the bare query. `plans`: a file of stored plans; what it does not hold is planned by rule,
    with a warning. `rephrasings`: the annotations' other wordings of a query become paraphrases of its plan.
    `stride_frames`, `longest_share`: TFVTG's window grid, the latter as a share of the video's samples. `vlm_pictures`
    in one request, `vlm_timeout_seconds`, `vlm_concurrency`: settings of `load_vlm`. `tracks`: only "shown" where it is
    not chosen, so that what lies beside a video or in the cache changes no figure. The others are `Grounder`'s; each
    name may be "module:Class".
    """

    videos: str | None = None
    features: str | None = None
    text_features: str | None = None
    engine: str = "curves"
    encoder: str | Encoder = "auto"
    planner: str = "auto"
    plans: str | None = None
    localizer: str = "default"
    vlm: str | None = None
    top_k: int = 10
    rate_hz: float | None = None
    device: str = "auto"
    dtype: str = "auto"
    stride_frames: int | None = None
    longest_share: float | None = None
    picture_rate_hz: float | None = None
    view: str | None = None
    budget_frames: int | None = None
    vlm_pictures: int | None = None
    vlm_timeout_seconds: float | None = None
    vlm_concurrency: int | None = None
    captions: str | None = None
    rephrasings: bool = True
    tracks: str = "shown"
    sentences: str = "embedded"
    language: str = ""

    def __post_init__(self) -> None:
        if self.captions is not None:
            self._check_captions()
        elif self.videos is None and self.features is None:
            raise DatasetError("there are no videos: give a folder of videos (--videos) or features (--features)")
        if self.features is not None and not find("engines", self.engine)[0].watches_features:
            raise DatasetError(f"the {self.engine} engine looks at pictures, so it needs videos, not --features")
        if self.plans is not None and self.planner != "auto":
            raise DatasetError(f"plans are either stored (--plans) or made by the planner {self.planner}, not both")
        if self.top_k < 1 or (self.stride_frames is not None and self.stride_frames < 1):
            raise DatasetError(f"top_k and stride must be 1 or more, not {self.top_k} and {self.stride_frames}")
        for what, number in (("longest window", self.longest_share), ("rate of pictures", self.picture_rate_hz)):
            if number is not None and not 0 < number < math.inf:
                raise DatasetError(f"the {what} must be above 0, not {number!r}")
        if self.vlm is None and any(
            value is not None for value in (*self._shown().values(), *self._of_server().values())
        ):
            raise DatasetError("--view, --budget and --vlm-... are for a vision LLM, and none is named: add --vlm")
        if self.picture_rate_hz is not None and self.videos is None:
            raise DatasetError("a rate of pictures (--picture-rate) needs a folder with folders of pictures (--videos)")

    def _check_captions(self) -> None:
        """Raise DatasetError where something is chosen that has no meaning without pictures."""
        if not find("engines", self.engine)[0].watches_features:
            raise DatasetError(f"the {self.engine} engine looks at pictures, so it needs videos, not --captions")
        options = {
            "--videos": self.videos,
            "--features": self.features,
            "--text-features": self.text_features,
            "--picture-rate": self.picture_rate_hz,
            "--rate": self.rate_hz,
            "--vlm": self.vlm,
            "--dtype": None if self.dtype == "auto" else self.dtype,
            "--tracks": None if self.tracks == "shown" else self.tracks,
            "--language": self.language or None,
        }
        if given := [name for name, value in options.items() if value is not None]:
            raise DatasetError(f"with --captions no picture is looked at: leave out {' and '.join(given)}")

    def for_dataset(self, dataset: Dataset) -> Recipe:
        """This recipe with the window grid that TFVTG's authors use for a data set, where none was chosen."""
        return replace(
            self,
            stride_frames=self.stride_frames or dataset.stride_frames,
            longest_share=self.longest_share or dataset.longest_share,
        )

    def vision_model(self) -> VisionModel | str | None:
        """The vision LLM with the settings that are given, else its bare name. Raises ModelError."""
        settings = self._of_server()
        if self.vlm is None or all(value is None for value in settings.values()):
            return self.vlm
        return load_vlm(self.vlm, device=self.device, **settings)

    def _of_server(self) -> dict[str, Any]:
        return {
            "most_pictures": self.vlm_pictures,
            "timeout_seconds": self.vlm_timeout_seconds,
            "concurrency": self.vlm_concurrency,
        }

    def _shown(self) -> dict[str, Any]:
        """What decides which pictures are shown to a vision LLM, and how."""
        return {"view": self.view, "budget_frames": self.budget_frames, "pictures_a_request": self.vlm_pictures}

    def provenance(self, dataset: Dataset) -> dict[str, Any]:
        """What can be said of a run before any model is loaded; rows of other settings never share a file with it."""
        from_videos = self.features is None and self.captions is None
        return {
            "tfgrounding": __version__,
            "python": platform.python_version(),
            **{name: _installed(name) for name in PACKAGES},
            "dataset": dataset.name,
            "annotations_sha256": _digest(*dataset.files),
            "engine": self.engine,
            "localizer": self.localizer,
            "planner": self.planner if self.plans is None else "stored",
            "plans_sha256": None if self.plans is None else _digest(self.plans),
            "prompts": {
                name: prompts(name).digest
                for name in prompt_names()
                if self.vlm is not None or (name.startswith("plan.") and self.planner == "llm")
            },
            "vlm": None if self.vlm is None else without_secrets(self.vlm),
            **{name: value for name, value in self._shown().items() if value is not None},
            "looked_at": "texts" if self.captions is not None else "videos" if from_videos else "features",
            **({"captions_sha256": _digest(self.captions)} if self.captions is not None else {}),
            "rephrasings": self.rephrasings,
            **({"rate_hz": self.rate_hz} if from_videos and self.rate_hz is not None else {}),
            **({"dtype": self.dtype} if self.dtype != "auto" else {}),
            "tracks": self.tracks,
            "sentences": self.sentences,
            **({"language": self.language} if self.language else {}),
            **({"picture_rate_hz": self.picture_rate_hz} if self.picture_rate_hz is not None else {}),
            "top_k": self.top_k,
            "stride_frames": self.stride_frames,
            "longest_share": self.longest_share,
        }


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digest(*files: str | Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        if Path(file).exists() and not Path(file).is_file():
            raise TFGroundingError(f"{file}: must be a file")
        try:
            digest.update(Path(file).read_bytes())
        except OSError as error:
            raise TFGroundingError(f"{file}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()
