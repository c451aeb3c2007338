"""`twincell reproduce corruptions`: what is told of counts, intervals and flags where images are bad."""

import numpy as np
import pandas as pd
import pytest

from twincell.evaluate.corruptions import CORRUPTIONS
from twincell.reproduce import corruptions
from twincell.reproduce.corruptions import Frames, as_markdown


def frames(n: int = 6) -> Frames:
    rng = np.random.default_rng(0)
    images = rng.integers(80, 120, (n, 64, 64)).astype(np.uint8)
    names = np.array([f"c{k * 3 // n}" for k in range(n)], object)
    return Frames(images, names, np.full(n, 9.0))


def told(count: list[float], doubt: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"count_frame": count, "novelty": doubt})


def test_the_width_of_a_chamber_comes_from_the_others() -> None:
    counted = told([9, 9, 9.3, 9.3, 13, 13], [0.0] * 6)
    found = corruptions.spreads_without_each(counted, frames())
    assert found["c2"] < 0.5 < found["c0"]
    assert found["c1"] == pytest.approx(found["c0"], rel=0.15)  # the other quiet one, and c2, for both


def test_a_promise_is_held_or_flagged_or_broken() -> None:
    spreads = dict.fromkeys(("c0", "c1", "c2"), 0.3)
    held = corruptions._figures(told([9.0] * 6, [0.0] * 6), frames(), spreads)
    assert (held["promise"], held["coverage"], held["flagged"]) == ("held", 100, 0)
    broken = corruptions._figures(told([3.0] * 6, [0.1] * 6), frames(), spreads)
    assert (broken["promise"], broken["bias"]) == ("broken", -6)
    flagged = corruptions._figures(told([0.0] * 6, [1.1] * 5 + [0.1]), frames(), spreads)
    assert (flagged["promise"], flagged["coverage"]) == ("flagged", 0)
    wide = corruptions._figures(told([3.0] * 6, [12.0] * 6), frames(), spreads)
    assert (wide["promise"], wide["flagged"]) == ("held", 100)
    assert wide["width"] > 10
    rows = [
        {"model": "m", "modality": "bf", "corruption": name, "unit": "", "strength": k, **figures}
        for k, (name, figures) in enumerate(
            [
                ("none", held),
                ("blur", held),
                ("blur", broken),
                ("blur", flagged),
                ("blur", wide),
                ("blur", held),
            ]
        )
    ]
    text = as_markdown(pd.DataFrame(rows))
    assert "Promise kept in 4 of 5 cells" in text
    assert "| blur (1, 2, 3, 4, 5) | 0.00 / 100 / 0 | **6.00 / 0 / 0** |" in text


def test_every_corruption_at_every_strength_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def counted(model: object, shown: Frames) -> pd.DataFrame:
        seen.append(shown.images.shape)
        return told(list(shown.labels), [0.0] * len(shown.labels))

    monkeypatch.setattr(corruptions, "_counted", counted)
    both = {"bf": frames(), "pc": frames(4)}
    table = corruptions._measured(None, "m", "bf", both, progress=False)  # type: ignore[arg-type]
    assert len(table) == 1 + 5 * (len(CORRUPTIONS) + 1)
    assert set(table["promise"]) == {"held"}
    assert (table.loc[table["corruption"] == "wrong modality", "n"] == 4).all()
    assert (6, 128, 128) in seen  # twice the size
