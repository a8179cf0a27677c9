"""Programs that run in environments of their own (Python 3.8 or later) and import nothing of this package."""
