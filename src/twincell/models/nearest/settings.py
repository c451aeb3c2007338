"""The settings of nearest neighbours."""

from twincell.config import Positive, Strict


class NearestSettings(Strict):
    """A preset's `model:` for the method nearest."""

    side: Positive = 32
    """Images are compared at side x side pixels."""
