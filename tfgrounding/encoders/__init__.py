"""Alternatives that turn frames and texts into vectors of one space."""
