"""`python -m tfgrounding` is the command line."""

from .cli import main

main()
