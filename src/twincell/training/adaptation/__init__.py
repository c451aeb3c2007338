"""Fine-tuning to a lab from a handful of labelled images; cross-validation chooses the amount of change.

`labelled` holds what a person gave, `view` how images are shown to the network, `adapt` changes its weights,
`selection` decides how far, `expect` says what to expect, `run` does all of it for `twincell transfer`.
"""

from twincell.training.adaptation.adapt import Effort
from twincell.training.adaptation.expect import Expectation
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.selection import Chosen, choose
from twincell.training.adaptation.view import View

__all__ = ["Chosen", "Effort", "Expectation", "Labelled", "View", "choose"]
