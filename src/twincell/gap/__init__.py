"""Why a counter that learned from drawn images errs on real ones: distribution, label, photorealism.

`generator` draws with differences open or closed, `trainings` learn, `convention` tells what people count,
`measured` has the errors of all eight subsets, `shapley` and `split` share them out, `advice` says what to
change, `gap` does all of it for `twincell gap`.
"""

from twincell.gap.gap import Gap, GapOptions, measure_gap
from twincell.gap.page import write_gap

__all__ = ["Gap", "GapOptions", "measure_gap", "write_gap"]
