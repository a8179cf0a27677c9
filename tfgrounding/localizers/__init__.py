"""Alternatives that turn the curves of a query into ranked intervals."""

from .base import Candidates, Localizer, QueryCurves, get_localizer

__all__ = ["Candidates", "Localizer", "QueryCurves", "get_localizer"]
