"""Counting with a trained model: any images in, one table of counts over time out."""

from twincell.counting.count import count
from twincell.counting.options import CountOptions
from twincell.counting.result import CountResult

__all__ = ["CountOptions", "CountResult", "count"]
