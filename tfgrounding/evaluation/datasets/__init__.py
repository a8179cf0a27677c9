"""Annotation files in, samples out; one module for each way in which data sets are laid out."""

from .load import Reader, load_dataset
from .samples import BadRow, Dataset, Rows, Sample, in_order

__all__ = ["BadRow", "Dataset", "Reader", "Rows", "Sample", "in_order", "load_dataset"]
