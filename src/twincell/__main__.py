"""`python -m twincell`, for where scripts are not on the path."""

from twincell.cli import main

main()
