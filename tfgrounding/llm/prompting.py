"""Prompts are files: found in the wheel, in an editable install and in a bare checkout alike."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import TFGroundingError

_HERE = Path(__file__).resolve().parents[1]
# In the wheel the prompts lie in the package, in a checkout beside it.
_FOLDERS = (_HERE / "prompts", _HERE.parent / "prompts")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text, its version as its file states it, and a digest of the text that tells an edited one apart."""

    name: str
    text: str
    version: str
    digest: str

    def fill(self, **fields: str) -> str:
        """The text with every "{field}" replaced. Raises KeyError for a field that the prompt does not have."""
        text = self.text
        for field, value in fields.items():
            if f"{{{field}}}" not in text:
                raise KeyError(f"prompt {self.name} has no field {{{field}}}")
            text = text.replace(f"{{{field}}}", value)
        return text


@cache
def prompts(name: str) -> Prompt:
    """The prompt of a name, such as "plan.en".

    A file is `prompts/NAME.md`: a line "version: N", a blank line, the text.

    Raises:
        TFGroundingError: there is no such prompt, or its file states no version.
    """
    for folder in _FOLDERS:
        path = folder / f"{name}.md"
        if path.is_file():
            head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
            version = re.fullmatch(r"version: (\S+)", head.strip())
            if version is None:
                raise TFGroundingError(f"{path} must begin with a line 'version: N' and a blank line")
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            return Prompt(name, text.strip(), version.group(1), digest)
    raise TFGroundingError(
        f"there is no prompt {name!r}; there are {', '.join(prompt_names()) or 'none: the installation is broken'}"
    )


def prompt_names() -> list[str]:
    """The names of all prompts, sorted."""
    return sorted({path.stem for folder in _FOLDERS if folder.is_dir() for path in folder.glob("*.md")})
