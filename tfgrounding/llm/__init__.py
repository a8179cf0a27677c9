"""The connection to a model server, the chat client that planning and vision LLMs share, and the prompts."""

from .chat import ChatClient, image_part, text_part
from .connection import Connection, RefusedError
from .prompting import Prompt, prompt_names, prompts
from .replies import Reply, Usage

__all__ = [
    "ChatClient",
    "Connection",
    "Prompt",
    "RefusedError",
    "Reply",
    "Usage",
    "image_part",
    "prompt_names",
    "prompts",
    "text_part",
]
