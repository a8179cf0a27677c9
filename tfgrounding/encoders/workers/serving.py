"""The worker's side: load a model, then answer requests from stdin until it ends."""

import hashlib
import os
import queue
import signal
import sys
import threading

from messages import receive, send

NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")  # CUDA, MPS and CPU


class RefusedError(Exception):
    """What was named or given cannot be used; the text is a sentence for the user."""


def serve(load):
    """Answer until the other side is gone. Sends `hello` first, or the reason why there is no model.

    Args:
        load: makes a model with `hello` (a dict, see `WorkerEncoder`), `frames((T, H, W, 3) uint8) -> (T, Q, D)`,
            `texts(N texts) -> (N, D)` and `lengths(N texts) -> (N,)`, their numbers of tokens.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other side, which then ends this one
    # What libraries print must not end up between the messages, nor may they read from them.
    stdin, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    requests = queue.Queue()  # type: queue.Queue
    threading.Thread(target=_read, args=(stdin, requests), daemon=True).start()
    try:
        model = load()
    except RefusedError as error:
        send(answers, {"error": str(error)})
        os._exit(1)  # the thread that reads is not waited for
    except ImportError as error:
        send(answers, {"error": f"import failed in that environment: {in_one_line(error)}"})
        os._exit(1)
    except BaseException as error:  # SystemExit too: the code of other people
        send(answers, {"error": f"the model could not be loaded: {in_one_line(error, named=True)}"})
        os._exit(1)
    send(answers, model.hello)
    while True:
        words, array = requests.get()
        try:
            vectors = model.frames(array) if words["do"] == "frames" else getattr(model, words["do"])(words["texts"])
        except Exception as error:
            memory = isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)
            if memory:
                give_back_memory()
            named = not isinstance(error, RefusedError)
            send(answers, {"error": in_one_line(error, named), "memory": memory})
            continue
        send(answers, {}, vectors)


def _read(stream, requests):
    """Requests as they come. When the other side is gone, the worker ends at once, whatever it is doing."""
    try:
        for request in iter(lambda: receive(stream), None):
            requests.put(request)
    finally:  # also where the other side ended in the middle of a request
        os._exit(0)


def in_one_line(error, named=False):
    """The text of an error, short; with the name of its class if `named` is set."""
    text = " ".join(str(error).split())[:500]
    return (f"{type(error).__name__}: {text}" if text else type(error).__name__) if named else text


def give_back_memory():
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def unit(vectors):
    """A tensor's vectors at length 1, as float32 in main memory. Raises RefusedError where they are not numbers."""
    import torch

    if not torch.isfinite(vectors).all():
        raise RefusedError(
            "the model's vectors are not finite numbers: its weights are damaged, or float16 has "
            "too small a range for it (choose dtype bfloat16 or float32)"
        )
    return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()


def digest(tensors, words=""):
    """SHA-256 over some words and the names and values of a dict of tensors."""
    total = hashlib.sha256(words.encode())
    for name, tensor in sorted(tensors.items()):
        total.update(name.encode() + tensor.float().cpu().numpy().tobytes())
    return "sha256:" + total.hexdigest()


def version_of(package):
    """The package's name and version, or its name alone where it was not installed by pip."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{package}=={version(package)}"
    except PackageNotFoundError:
        return package
