"""Prompts are files; they are found in the wheel, in an editable install and in a checkout."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import TFGroundingError

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL, _IN_CHECKOUT = _PACKAGE / "prompts", _PACKAGE.parent / "prompts"
# Beside an installed package another one may have a folder of this name: it is not looked at.
FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text, the version that its file states, and a digest of the text, which changes with every edit."""

    name: str
    text: str
    version: str
    digest: str

    def fill(self, **fields: str) -> str:
        """The text with every "{field}" replaced; braces in the values stay as they are.

        Raises:
            TFGroundingError: the prompt lacks one of the fields.
        """
        for field in fields.keys() - set(_FIELD.findall(self.text)):
            raise TFGroundingError(f"the prompt {self.name} has no field {{{field}}}: put it back where it belongs")
        return _FIELD.sub(lambda match: fields.get(match[1], match[0]), self.text)


@cache
def prompts(name: str) -> Prompt:
    """The prompt of a name, such as "plan.en".

    A file is `prompts/NAME.md`: a line "version: N", a blank line, the text.

    Raises:
        TFGroundingError: there is no such prompt, or its file states no version.
    """
    if name not in prompt_names():
        known = ", ".join(prompt_names()) or "none: the installation is broken"
        raise TFGroundingError(f"there is no prompt {name!r}; there are {known}")
    path = FOLDER / f"{name}.md"
    try:
        head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TFGroundingError(f"the prompt {path} can't be read: {error}") from None
    version = re.fullmatch(r"version: (\S+)", head.strip())
    if version is None:
        raise TFGroundingError(f"{path} must begin with a line 'version: N' and a blank line")
    return Prompt(name, text.strip(), version.group(1), hashlib.sha256(text.encode()).hexdigest()[:12])


def prompt_names() -> list[str]:
    """The names of all prompts, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))
