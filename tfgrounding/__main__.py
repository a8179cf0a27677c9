"""`python -m tfgrounding` is the command line."""

from .cli.app import main

main()
