"""Counting with a trained model: any pictures in, one table of counts over time out."""

from twincell.counting.count import count

__all__ = ["count"]
