"""Alternatives that read a data set's annotations into samples."""
