"""A model of open_clip in an environment that has it; see open_clip.py for the other side.

python open_clip_worker.py DEVICE DTYPE MODEL PRETRAINED
"""

import difflib
import json
import math
import sys

import numpy as np
from serving import RefusedError, digest, serve, unit, version_of

OLDEST = 3  # the first version that reads folders
PRECISIONS = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
SHOWN_TAGS = 10
SMALL = 65536  # values; layers up to this size are enough to tell published weights of one name apart
CLIP_VOCABULARY = 49408  # tokens, where a model does not say how many
TWO_TEXTS = ["a dog", "a red car"]


class Model:
    def __init__(self, device, dtype, name, pretrained):
        import open_clip
        import torch

        if int(open_clip.__version__.split(".")[0]) < OLDEST:
            raise RefusedError(f"open_clip_torch {open_clip.__version__} is too old: install {OLDEST}.0 or later")
        self._torch = torch
        self._device, dtype = choose(torch, device, dtype)
        config, tag = check(open_clip, name, pretrained)
        precision = PRECISIONS[dtype]
        if "multimodal_cfg" in config and dtype != "float32":  # CoCa does not run in mixed precision
            precision = f"pure_{precision}"
        self._model, self._preprocess = open_clip.create_model_from_pretrained(
            name,
            pretrained or None,
            precision=precision,
            device=self._device,
            force_quick_gelu=bool(tag.get("quick_gelu")),  # open_clip only warns where the model's name says otherwise
            weights_only=True,
        )
        self._model.eval()
        self._dtype = getattr(torch, dtype)
        self._tokenizer = open_clip.get_tokenizer(name)
        first, second = self.texts(TWO_TEXTS)
        self.frames(np.full((1, 8, 8, 3), 127, dtype=np.uint8))  # what fails should fail now
        if np.allclose(first, second, rtol=0, atol=1e-6):
            raise RefusedError(
                f"the model gives {TWO_TEXTS[0]!r} and {TWO_TEXTS[1]!r} the same vector: vocabulary files are missing, "
                "or they are those of another model"
            )
        preprocessing = self._model.visual.preprocess_cfg
        size = preprocessing["size"]
        is_published = open_clip.is_pretrained_cfg(name, pretrained)  # other weights may change under the same name
        told_by = {n: t for n, t in self._model.state_dict().items() if not is_published or t.numel() <= SMALL}
        of_texts = config.get("text_cfg") or {}
        steps = json.dumps([config, preprocessing], sort_keys=True)
        half = " " if dtype == "float32" else f"+{dtype} "
        weights = pretrained.replace("\\", "/").split("/")[-1]
        self.hello = {
            "revision": f"{version_of('open_clip_torch')}/{named(name)}/{weights}{half}{digest(told_by, steps)}",
            "scale": math.exp(float(self._model.logit_scale)),
            "biased": getattr(self._model, "logit_bias", None) is not None,
            "frame_size": size if isinstance(size, int) else max(size),  # the shorter side; the rest is done here
            "longest": self._tokenizer.context_length,
            "vocabulary": of_texts.get("vocab_size", 0 if "hf_model_name" in of_texts else CLIP_VOCABULARY),
            "batch_frames": 64 if self._device.startswith("cuda") else 4,
        }

    def frames(self, pixels):
        from PIL import Image

        images = self._torch.stack([self._preprocess(Image.fromarray(picture)) for picture in pixels])
        with self._torch.inference_mode():
            images = images.to(device=self._device, dtype=self._dtype)
            return unit(self._model.encode_image(images, normalize=True))[:, None, :]  # (T, 1, D)

    def texts(self, texts):
        with self._torch.inference_mode():
            return unit(self._model.encode_text(self._tokenizer(texts).to(self._device), normalize=True))

    def lengths(self, texts):
        """Tokens of each text, those around it counted: where they differ from an empty text's, uncut against cut."""
        longest = self._tokenizer.context_length
        room = longest + 4 * max(len(text) for text in texts)  # no text has more tokens than bytes
        read, whole = (
            (self._tokenizer(texts, context_length=length) != self._tokenizer([""], context_length=length)).sum(dim=1)
            for length in (longest, room)
        )
        return (longest * (whole > read) + whole - read).numpy().astype(np.int32)


def choose(torch, device, dtype):
    """The device and precision to run in; for "auto" the best there is."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if dtype == "auto":
        half = "float16"
        if device.startswith("cuda") and torch.cuda.get_device_capability(device) >= (8, 0):
            half = "bfloat16"
        dtype = "float32" if device == "cpu" else half
    return device, dtype


def check(open_clip, name, pretrained):
    """The model's configuration and what is known of these weights. Raises RefusedError if there are no such ones."""
    if ":" not in name:
        models = open_clip.list_models()
        if name not in models:
            near = ", ".join(difflib.get_close_matches(name, models, 5, 0.3))
            near = f"near are {near}" if near else "open_clip.list_models() names those that it has"
            raise RefusedError(f"open_clip has no model {name!r}; {near}")
        is_path = "/" in pretrained or "\\" in pretrained
        if not is_path and not open_clip.is_pretrained_cfg(name, pretrained):
            tags = open_clip.list_pretrained_tags_by_model(name)
            known = ", ".join(tags[:SHOWN_TAGS]) + (f" and {more} more" if (more := len(tags) - SHOWN_TAGS) > 0 else "")
            raise RefusedError(f"{name} has no weights {pretrained!r}; give a file, or one of: {known or 'none'}")
    config = open_clip.get_model_config(name)
    if "trust_remote_code" in json.dumps(config):
        raise RefusedError("its configuration asks to run code of its own (trust_remote_code), which is refused")
    return config, open_clip.get_pretrained_cfg(name, pretrained) if ":" not in name else {}


def named(name):
    """The model's name, without the path of a folder."""
    return name.split(":")[0] if name.startswith("local-dir:") else name


if __name__ == "__main__":
    serve(lambda: Model(*sys.argv[1:]))
