"""Data sets, metrics and runs over many videos."""
