"""The watershed's settings: none. What it has is found on the training labels, not chosen."""

from twincell.config import Strict


class WatershedSettings(Strict):
    """A preset's `model:` for the method watershed."""
