"""A search's panels: what each parameter's values did to the error."""

import math

from matplotlib.figure import Figure

from twincell.tuning.panels import Panel, draw
from twincell.tuning.results import Found
from twincell.tuning.space import Parameter


def picture(found: Found) -> Figure | None:
    """One panel for each parameter; None before any trial is finished."""
    if found.best is None:
        return None
    panels = [_panel(found, parameter) for parameter in found.space.parameters]
    return draw(panels, "MAE on chambers held out (cells)", "trial", "best trial")


def _panel(found: Found, parameter: Parameter) -> Panel:
    name, done, best = parameter.name, found.finished, found.best
    assert best is not None
    others = [p.name for p in found.space.parameters if p.name != name]
    alike = [row for row in done if all(row[other] == best[other] for other in others)]
    return Panel(
        title=name,
        unit=parameter.unit,
        scale=parameter.scale,
        values=[row[name] for row in done],
        errors=[row["mae"] for row in done],
        own=parameter.own,
        chosen=(best[name], best["mae"]),
        line=[(row[name], row["mae"], math.nan) for row in alike],
        stopped=[row[name] for row in found.rows if row["state"] == "stopped early"],
        ticks=parameter.values,
    )
