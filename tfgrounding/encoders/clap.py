"""CLAP (Wu et al., ICASSP 2023): stretches of sound and texts in one space, "a dog barks" close to barking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EncoderError
from .checkpoint import missing_on_disk, read_json
from .clip import ClipEncoder, pooled
from .transformer import unit

PREFIX = "clap:"
BATCH_SOUNDS = 8
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 96_000
LONGEST_SECONDS = 30.0


class ClapEncoder(ClipEncoder):
    """An encoder for sound: its texts are compared with sounds, and it has no vectors of frames.

    Args:
        checkpoint: a folder or a hub id; see `load_encoder`. "" means the usual one.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        rate_hz: samples a second of the sounds that it takes.
        longest_seconds: of one sound.

    Raises:
        EncoderError: no such checkpoint, not one of CLAP, an unreachable hub, or a device that is not there.
    """

    name = "clap"
    floor: float | None = None
    usual_checkpoint = "laion/clap-htsat-unfused"
    _preprocess: Any  # _SoundSteps

    def __init__(self, checkpoint: str = "", *, device: str = "auto") -> None:
        super().__init__(checkpoint, device=device, dtype="float32")
        self.rate_hz: int = self._preprocess.rate_hz
        self.longest_seconds: float = self._preprocess.longest_seconds
        self._batches.size = BATCH_SOUNDS

    def encode_sounds(self, sounds: np.ndarray) -> np.ndarray:
        """(V, N) float32 sounds at `rate_hz`, at most `longest_seconds` each -> (V, 1, D) float32 unit vectors."""
        return self._batches.run(self._encode_batch, sounds)

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """Raises EncoderError: it knows sounds."""
        raise EncoderError(
            "the encoder clap compares texts with sounds, not with pictures: name it for the track heard"
        )

    def _logit_scale(self) -> float:
        return float(self._model.logit_scale_a.item())

    def _model_class(self, folder: Path) -> Any:
        from transformers import ClapModel

        family = str(read_json(folder, "config.json").get("model_type", ""))
        if family != "clap":
            raise EncoderError(
                f"{folder}: holds a {family or 'nameless'} model, which does not compare texts with sounds"
            )
        return ClapModel

    def _preprocessor(self, folder: Path) -> Any:
        return _SoundSteps(folder)

    def _encode_batch(self, sounds: np.ndarray) -> np.ndarray:
        """(V, N) -> (V, 1, D)."""
        import torch

        with torch.inference_mode():
            inputs = self._preprocess(sounds, device=self._device)
            return unit(pooled(self._model.get_audio_features(**inputs))[:, None, :])


class _SoundSteps:
    """Sounds -> the model's spectrograms, as the checkpoint says."""

    resize = (1, 1)  # it takes no frames

    def __init__(self, folder: Path) -> None:
        from transformers import ClapFeatureExtractor

        self._extract = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
        self.rate_hz = int(self._extract.sampling_rate)
        self.longest_seconds = self._extract.nb_max_samples / self.rate_hz
        if not LOWEST_RATE_HZ <= self.rate_hz <= HIGHEST_RATE_HZ or not 1 <= self.longest_seconds <= LONGEST_SECONDS:
            raise EncoderError(
                f"{folder}: its preprocessor_config.json asks for {self.longest_seconds:g} s of sound at "
                f"{self.rate_hz:,} Hz; allowed are 1 to {LONGEST_SECONDS:g} s at {LOWEST_RATE_HZ:,} to "
                f"{HIGHEST_RATE_HZ:,} Hz"
            )

    def check_fits(self, config: Any, *, where: str) -> None:
        """Raises EncoderError if the model takes other spectrograms."""
        if (bins := config.audio_config.num_mel_bins) != self._extract.feature_size:
            raise EncoderError(
                f"{where}: its preprocessor_config.json makes {self._extract.feature_size} bands of sound, but its "
                f"model takes {bins}"
            )

    def __call__(self, sounds: np.ndarray, *, device: str) -> dict[str, Any]:
        """(V, N) float32 -> {"input_features": (V, C, frames, bands), "is_longer": (V, 1)}."""
        import torch

        made = self._extract(list(sounds), sampling_rate=self.rate_hz, return_tensors="pt")
        return {
            "input_features": made["input_features"].to(device),
            "is_longer": torch.zeros(len(sounds), 1, dtype=torch.bool, device=device),  # it marks one at random
        }


def load_sounds(name: str = "auto", *, device: str = "auto") -> ClapEncoder | None:
    """The encoder for sound of that name.

    Args:
        name: "clap:MODEL" or MODEL, a folder or a hub id, which permits its download; "clap" for the usual one.
            "auto" never downloads.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Returns:
        The encoder; None where "auto" finds none on this machine.

    Raises:
        EncoderError: it cannot be had or loaded.
    """
    if name == "auto":
        return None if missing_on_disk(ClapEncoder.usual_checkpoint) != [] else ClapEncoder(device=device)
    return ClapEncoder("" if name == "clap" else name.removeprefix(PREFIX), device=device)


def named_sounds(origin: str = "", *, device: str = "auto") -> ClapEncoder:
    """The encoder for sound that a choice of tracks names behind "heard:"; "" for the one on this machine.

    Raises:
        EncoderError: it cannot be had or loaded, or none is on this machine.
    """
    found = load_sounds(origin or "auto", device=device)
    if found is None:
        raise EncoderError("there is no encoder for sound on this machine: --tracks heard:clap permits its download")
    return found
