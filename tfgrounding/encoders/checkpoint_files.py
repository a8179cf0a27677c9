"""The files of a checkpoint: which ones a folder lacks, and JSON that is read with limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import EncoderError

CONFIG = "config.json"
PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
VOCABULARIES = (  # each alone is enough
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("vocab.txt",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
    ("tokenizer.model",),
)
SENTENCE_FILES = (  # of sentence-transformers: which parts a model has, how they join, how long texts are, prompts
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
)
SMALL_FILES = (  # everything but weights that a model, its tokenizer and its preprocessor are made from
    CONFIG,
    *PREPROCESSORS,
    *(name for names in VOCABULARIES for name in names),
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    *SENTENCE_FILES,
)
WITHOUT_PREPROCESSOR = ("LanguageBindVideo",)  # families whose repositories have no such file
WEIGHTS = (  # in the order in which transformers looks for them; the first that is there is used
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
LARGEST_JSON_BYTES = 16 << 20
LARGEST_SMALL_FILE_BYTES = 256 << 20
MOST_SHARDS = 1000
MOST_LAYERS = 512
COUNT_OF_LAYERS = re.compile(r"layers|depth|repeats|blocks")
ATTENTION = (None, "eager", "sdpa")
JSON_NAMES: dict[type, str] = {dict: "object", list: "list"}
PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


def read_json(folder: Path, name: str, *, kind: type = dict) -> Any:
    """A JSON file of the checkpoint, an object or, of that `kind`, a list; empty if it has none.

    Raises:
        EncoderError: it is something else, or too large or too deeply nested to be one of a checkpoint.
    """
    path = folder / name
    if not path.is_file():
        return kind()
    if path.stat().st_size > LARGEST_JSON_BYTES:
        raise EncoderError(f"{path}: is larger than {LARGEST_JSON_BYTES >> 20} MB, which no such file of a model is")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise EncoderError(f"{path}: is nested too deeply") from error
    except ValueError as error:
        raise EncoderError(f"{path}: is not JSON ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(content, kind):
        raise EncoderError(f"{path}: must be a JSON {JSON_NAMES[kind]}, not {type(content).__name__}")
    return content


def read_config(folder: Path) -> dict[str, Any]:
    """config.json, which decides what is built and run; empty if there is none.

    Raises:
        EncoderError: it is not a JSON object, or asks for code that others wrote, or for more layers than a model has.
    """
    config = read_json(folder, CONFIG)
    if "auto_map" in config:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

        if config.get("model_type") not in CONFIG_MAPPING_NAMES:
            raise EncoderError(f"{folder}: its model needs program code of its own, which is never run")
    for key, value in _settings(config):
        if COUNT_OF_LAYERS.search(key) and isinstance(value, int) and value > MOST_LAYERS:
            raise EncoderError(f"{folder / CONFIG}: {key} is {value:.4g}; at most {MOST_LAYERS} are built")
        if key.endswith("attn_implementation") and value not in ATTENTION:
            raise EncoderError(f"{folder / CONFIG}: {key} is {str(value)[:100]!r}; only eager and sdpa are used")
    return config


def _settings(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value in a JSON object, however deep, with the key that it has or that its list has."""
    left: list[tuple[str, Any]] = list(config.items())
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            left += value.items()
        elif isinstance(value, list):
            left += [(key, item) for item in value]
        else:
            yield key, value


def weight_files(folder: Path, form: str) -> list[str]:
    """The files that hold the weights in one form of WEIGHTS: the file itself, or the parts that its index names.

    Raises:
        EncoderError: the index is not JSON, or names anything but files of this folder and of its own kind.
    """
    if not form.endswith(".index.json"):
        return [form]
    suffix = Path(form.removesuffix(".index.json")).suffix
    parts = read_json(folder, form).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise EncoderError(f"{folder / form}: has no weight_map that says which file holds which weights")
    for part in parts.values():
        if not isinstance(part, str) or not PLAIN_NAME.fullmatch(part) or not part.endswith(suffix):
            raise EncoderError(
                f"{folder / form}: names {str(part)[:100]!r} as a file of weights; only *{suffix} files of the same "
                "folder are read"
            )
    names = sorted(set(parts.values()))
    if len(names) > MOST_SHARDS:
        raise EncoderError(f"{folder / form}: names {len(names)} files of weights; at most {MOST_SHARDS} are read")
    return names


def missing_weights(folder: Path) -> list[str]:
    """The names of files of weights that are not in the folder. Raises EncoderError as `weight_files` does."""
    for form in WEIGHTS:
        if (folder / form).is_file():
            return [name for name in weight_files(folder, form) if not (folder / name).is_file()]
    return [WEIGHTS[0]]


def missing_small_files(folder: Path, *, only_texts: bool = False) -> list[str]:
    """The names of files that are needed beside the weights and are not in the folder.

    `only_texts`: the model takes no pictures, so nothing need say how to prepare them.

    Raises:
        EncoderError: one that is there is not JSON, or too large.
    """
    config = read_config(folder)
    missing = [] if config else [CONFIG]
    for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        read_json(folder, name)
    prepares = (folder / PREPROCESSORS[0]).is_file() or "image_processor" in read_json(folder, PREPROCESSORS[1])
    if not only_texts and not prepares and config.get("model_type") not in WITHOUT_PREPROCESSOR:
        missing.append(PREPROCESSORS[0])
    if not any(all((folder / name).is_file() for name in names) for names in VOCABULARIES):
        begun = [names for names in VOCABULARIES if any((folder / name).is_file() for name in names)]
        missing += [name for name in (begun or VOCABULARIES)[0] if not (folder / name).is_file()]
    for name in SMALL_FILES:
        if (folder / name).is_file() and (folder / name).stat().st_size > LARGEST_SMALL_FILE_BYTES:
            raise EncoderError(f"{folder / name}: is larger than {LARGEST_SMALL_FILE_BYTES >> 20} MB")
    return missing
