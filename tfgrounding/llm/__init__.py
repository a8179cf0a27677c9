"""The chat client that planning and vision LLMs share, and the prompts."""

from .chat import ChatClient, RefusedError, image_part, text_part
from .prompting import Prompt, prompt_names, prompts
from .replies import Reply, Usage

__all__ = [
    "ChatClient",
    "Prompt",
    "RefusedError",
    "Reply",
    "Usage",
    "image_part",
    "prompt_names",
    "prompts",
    "text_part",
]
