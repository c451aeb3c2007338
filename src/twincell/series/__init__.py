"""Counts over time: smoothing with intervals, events, flags, growth rates, survival.

- `smooth(table, counted)`: best count, 90 % interval and flag of every frame; `smooth_all` adds the events.
- `growth(counts, by)`: growth rate and doubling time of every chamber, and conditions compared.
- `survival(series)`: probability that a chamber still grows, from its first frames.
- `calibrate(table)`: the constants of the error model, from labelled chambers of another frame model.
"""

from twincell.series.growth.analysis import growth
from twincell.series.growth.conditions import Comparison
from twincell.series.growth.rate import Growth, fit_growth
from twincell.series.growth.survival import CultureModel, fit_culture, survival
from twincell.series.smoothing.calibrate import calibrate, score_each, score_labels, summary, without_each
from twincell.series.smoothing.error_model import ErrorModel
from twincell.series.smoothing.events import Event, event_table
from twincell.series.smoothing.smooth import Smoothed, smooth, smooth_all

__all__ = [
    "Comparison",
    "CultureModel",
    "ErrorModel",
    "Event",
    "Growth",
    "Smoothed",
    "calibrate",
    "event_table",
    "fit_culture",
    "fit_growth",
    "growth",
    "score_each",
    "score_labels",
    "smooth",
    "smooth_all",
    "summary",
    "survival",
    "without_each",
]
