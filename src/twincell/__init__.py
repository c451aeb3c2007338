"""twincell: how many cells, in every chamber, at every time, and how sure that is."""

__version__ = "0.1.0"
