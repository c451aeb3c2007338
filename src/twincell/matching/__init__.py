"""Drawn scenes fitted to unlabelled images: which settings of the simulator make images like these.

`images` reads and cuts, `statistics` looks, `population` draws, `posterior` weighs, `fit` goes round,
`distance` says how far it got, `matched` does all of it for `twincell match`.
"""

from twincell.matching.matched import Match, MatchOptions, match, match_images, write_match

__all__ = ["Match", "MatchOptions", "match", "match_images", "write_match"]
