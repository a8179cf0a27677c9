"""One thing changed in the default localizer, at the step where it happens."""

from .lever import Lever, changed
from .missing import TAKEN_AWAY
from .tried import TRIED

__all__ = ["TAKEN_AWAY", "TRIED", "Lever", "changed"]
