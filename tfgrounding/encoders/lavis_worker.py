"""Runs inside the user's LAVIS environment (Python 3.8 or later, torch, lavis); see lavis.py for the other side.

    python lavis_worker.py DEVICE MODEL_TYPE

Nothing of tfgrounding is imported here. Messages on stdin and stdout are safetensors behind their length.
"""

import contextlib
import hashlib
import json
import os
import struct
import sys

sys.path.pop(0)  # the folder of this script, where lavis.py is ours and not the package

import numpy as np

NAMES = {"U8": np.uint8, "F32": np.float32}


def main():
    device, model_type = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "wb")  # what libraries print must not end up between the messages
    os.dup2(2, 1)
    try:
        model, see, device = load(device, model_type)
        height, width = see(np.zeros((1, 8, 8, 3), dtype=np.uint8)).shape[-2:]
        hello = {"revision": revision(model, model_type), "scale": scale(model), "height": height, "width": width}
    except ImportError as error:
        send(answers, {}, {"error": f"import failed in that environment: {error}"})
        return
    except Exception as error:
        send(answers, {}, {"error": f"the model could not be loaded: {type(error).__name__}: {error}"})
        return
    send(answers, {}, hello)
    while True:
        message = receive(sys.stdin.buffer)
        if message is None:
            return
        try:
            vectors = answer(model, see, device, *message)
        except Exception as error:
            send(answers, {}, {"error": f"{type(error).__name__}: {error}"})
            continue
        send(answers, {"vectors": vectors}, {})


def load(device, model_type):
    import torch
    from lavis.models import load_model_and_preprocess
    from PIL import Image

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    model, processors, _ = load_model_and_preprocess(
        "blip2_image_text_matching", model_type, is_eval=True, device=torch.device(device)
    )

    def see(pixels):
        return torch.stack([processors["eval"](Image.fromarray(picture)) for picture in pixels])

    return model, see, device


def answer(model, see, device, tensors, words):
    import torch

    with torch.no_grad():
        if "texts" in words:
            texts = json.loads(words["texts"])
            read = model.extract_features({"text_input": texts}, mode="text").text_embeds_proj  # (N, L, D)
            vectors = read[:, 0]
        else:
            images = see(tensors["frames"]).to(device)
            vectors = model.extract_features({"image": images}, mode="image").image_embeds_proj  # (T, Q, D)
        vectors = torch.nn.functional.normalize(vectors.float(), dim=-1)
    return np.ascontiguousarray(vectors.cpu().numpy(), dtype=np.float32)


def revision(model, model_type):
    """LAVIS's version, the model type, and a digest of the small layers that make the vectors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if name.split(".")[0] in ("query_tokens", "vision_proj", "text_proj"):
            digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
    return f"{lavis_version()}/{model_type} sha256:{digest.hexdigest()}"


def lavis_version():
    from importlib.metadata import PackageNotFoundError, version

    try:
        return "salesforce-lavis==" + version("salesforce-lavis")
    except PackageNotFoundError:
        return "lavis"


def scale(model):
    temperature = getattr(model, "temp", None)
    return 1.0 if temperature is None else 1.0 / float(temperature)


def send(stream, tensors, words):
    header = {"__metadata__": {"words": json.dumps(words)}}  # type: dict
    data = b""
    for name, array in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    message = struct.pack("<Q", len(text)) + text + data
    with contextlib.suppress(BrokenPipeError):
        stream.write(struct.pack("<Q", len(message)) + message)
        stream.flush()


def receive(stream):
    size = stream.read(8)
    if len(size) < 8:
        return None
    message = stream.read(struct.unpack("<Q", size)[0])
    begin = 8 + struct.unpack("<Q", message[:8])[0]
    header = json.loads(message[8:begin].decode())
    words = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        flat = np.frombuffer(message, dtype=NAMES[entry["dtype"]], offset=begin)[: last - first]
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, words


if __name__ == "__main__":
    main()
