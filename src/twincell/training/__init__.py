"""Training: from a manifest and settings to a model file, resumable at any moment."""

from twincell.training.run import Stopped, fit
from twincell.training.trainer import Machine

__all__ = ["Machine", "Stopped", "fit"]
