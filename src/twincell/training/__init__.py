"""Training: from a manifest and settings to a model file, resumable at any moment."""

from twincell.errors import Stopped
from twincell.training.run import fit
from twincell.training.trainer import Machine

__all__ = ["Machine", "Stopped", "fit"]
