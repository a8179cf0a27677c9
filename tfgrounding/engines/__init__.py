"""The ways to answer a query about a video, and the Grounder that holds one of them."""

from .base import Engine, Watched
from .cascade import CascadeEngine
from .curves import CurvesEngine
from .grounder import Grounder, ground
from .hybrid import HybridEngine
from .load import load_engine
from .numpro import NumProEngine
from .texts import ground_texts

__all__ = [
    "CascadeEngine",
    "CurvesEngine",
    "Engine",
    "Grounder",
    "HybridEngine",
    "NumProEngine",
    "Watched",
    "ground",
    "ground_texts",
    "load_engine",
]
