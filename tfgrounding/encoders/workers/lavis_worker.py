"""BLIP-2 in the user's LAVIS environment; see lavis.py for the other side.

python lavis_worker.py DEVICE MODEL_TYPE
"""

import functools
import sys

import numpy as np
from serving import digest, serve, unit, version_of

LONGEST_TEXT = 35  # tokens: as LAVIS cuts texts where it measures retrieval, and TFVTG


class Model:
    def __init__(self, device, model_type):
        import torch
        from lavis.models import load_model_and_preprocess

        self._device = device
        if device == "auto":
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model, processors, _ = load_model_and_preprocess(
            "blip2_image_text_matching", model_type, is_eval=True, device=torch.device(self._device)
        )
        self._processor = processors["eval"]
        # `extract_features` cuts nothing, and fails where a text has more tokens than the model has positions.
        self._tokenizer = self._model.tokenizer
        self._model.tokenizer = functools.partial(self._tokenizer, truncation=True, max_length=LONGEST_TEXT)
        temperature = getattr(self._model, "temp", None)
        small = {n: t for n, t in self._model.state_dict().items() if n.split(".")[0] in SMALL_LAYERS}
        self.hello = {
            "revision": f"{version_of('salesforce-lavis')}/{model_type} {digest(small)}",
            "scale": 1.0 if temperature is None else 1.0 / float(temperature),
            "frame_size": list(self._prepared(np.zeros((1, 8, 8, 3), dtype=np.uint8)).shape[-2:]),
            "longest": LONGEST_TEXT,
            "batch_frames": 64 if self._device.startswith("cuda") else 4,
        }

    def frames(self, pixels):
        import torch

        with torch.no_grad():
            images = self._prepared(pixels).to(self._device)
            return unit(self._model.extract_features({"image": images}, mode="image").image_embeds_proj)  # (T, Q, D)

    def texts(self, texts):
        import torch

        with torch.no_grad():
            read = self._model.extract_features({"text_input": texts}, mode="text").text_embeds_proj  # (N, L, D)
            return unit(read[:, 0])

    def lengths(self, texts):
        return np.array([len(self._tokenizer(text)["input_ids"]) for text in texts], dtype=np.int32)

    def _prepared(self, pixels):
        import torch
        from PIL import Image

        return torch.stack([self._processor(Image.fromarray(picture)) for picture in pixels])


SMALL_LAYERS = ("query_tokens", "vision_proj", "text_proj")  # those that make the vectors

if __name__ == "__main__":
    serve(lambda: Model(*sys.argv[1:]))
