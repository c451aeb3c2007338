import math

import numpy as np
import pytest
import torch

from twincell.errors import UserError
from twincell.simulate.scene import growth_settings, timelapse

UNDISTURBED = {
    "resting_chambers": 0,
    "resting_cells": 0,
    "death_per_h": 0,
    "washout_per_h": 0,
    "doubling_h": [20, 20],
}


def test_counts_change_only_by_division_and_loss() -> None:
    growth = growth_settings(
        {"death_per_h": 0.01, "washout_per_h": 0.01, "doubling_h": [8, 8], "resting_chambers": 0}
    )
    life = timelapse("optics-bf", 120, seed=1, growth=growth)
    counts = life.scene.counts
    assert torch.equal(counts.diff(), (life.born - life.lost)[1:])
    assert int(life.born.sum()) > 5
    assert int(life.lost.sum()) > 0
    assert int(counts.max()) <= growth.most
    assert life.time_h[1] == growth.frame_interval_h


def test_the_set_doubling_time_is_recovered() -> None:
    growth = growth_settings({**UNDISTURBED, "start_cells": [6, 6], "most": 90, "frame_interval_h": 2.0})
    rates = []
    for chamber in range(4):
        counts = timelapse("optics-pc", 36, seed=0, chamber_id=chamber, growth=growth).scene.counts
        rates.append(np.polyfit(np.arange(0.0, 72.0, 2.0), np.log2(counts.numpy()), 1)[0])
    assert np.mean(rates) == pytest.approx(1 / 20, rel=0.1)


def test_a_resting_chamber_stays_as_it_is() -> None:
    growth = growth_settings({**UNDISTURBED, "resting_chambers": 1})
    life = timelapse("optics-bf", 40, seed=0, growth=growth)
    assert len(set(life.scene.counts.tolist())) == 1
    assert math.isinf(life.doubling_h)


def test_a_full_chamber_takes_no_more() -> None:
    growth = growth_settings({**UNDISTURBED, "doubling_h": [4, 4], "most": 9, "start_cells": [3, 3]})
    counts = timelapse("optics-bf", 60, seed=0, growth=growth).scene.counts
    assert counts[0] == 3
    assert counts[-1] == 9
    assert bool((counts.diff() >= 0).all())


def test_cells_grow_between_divisions_and_are_born_smaller() -> None:
    growth = growth_settings({**UNDISTURBED, "start_cells": [1, 1], "frame_interval_h": 1.0})
    life = timelapse("optics-bf", 60, seed=2, growth=growth)
    first = life.scene.radius[:, 0]
    births = life.born > 0
    before_first = int(torch.nonzero(births)[0])
    assert bool((first[:before_first].diff() > 0).all()), "the first cell grows until the first division"
    assert float(first[before_first] / first[before_first - 1]) == pytest.approx(2 ** (-1 / 3), abs=0.12)


def test_neighbours_push_apart_and_stay_inside() -> None:
    growth = growth_settings({**UNDISTURBED, "start_cells": [30, 30]})
    scene = timelapse("optics-pc", 30, seed=1, growth=growth).scene[20:]
    x, y = scene.x[scene.present].reshape(10, 30), scene.y[scene.present].reshape(10, 30)
    radius = scene.radius[scene.present].reshape(10, 30)
    apart = torch.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None])
    share = apart / (radius[:, :, None] + radius[:, None]) + 9 * torch.eye(30)
    assert float(share.min()) > 0.6
    box = scene.chamber.box
    assert bool(((x > box[:, :1]) & (x < box[:, 2:3]) & (y > box[:, 1:2]) & (y < box[:, 3:])).all())


def test_cells_keep_their_slot_and_move_slowly() -> None:
    growth = growth_settings({**UNDISTURBED, "doubling_h": [1000, 1000], "start_cells": [4, 4]})
    scene = timelapse("optics-bf", 30, seed=3, growth=growth).scene
    assert bool((scene.present == scene.present[:1]).all())
    steps = torch.hypot(scene.x.diff(dim=0), scene.y.diff(dim=0))[:, scene.present[0]]
    assert 0.3 < float(steps.mean()) < 3
    assert float(steps.max()) < 8


def test_chambers_differ_and_repeat() -> None:
    one, two = (timelapse("optics-bf", 12, seed=0, chamber_id=k) for k in (0, 1))
    again = timelapse("optics-bf", 12, seed=0, chamber_id=1)
    assert torch.equal(two.scene.x, again.scene.x)
    assert not torch.equal(one.scene.chamber.box, two.scene.chamber.box)
    longer = timelapse("optics-bf", 20, seed=0, chamber_id=1)
    assert torch.equal(longer.scene.radius[:12], two.scene.radius), "more frames change the earlier ones"
    starts = {int(timelapse("optics-bf", 1, seed=0, chamber_id=k).scene.counts[0]) for k in range(20)}
    assert starts == {1, 2, 3, 4}


def test_a_chamber_keeps_its_last_cell_unless_told_otherwise() -> None:
    deadly = {**UNDISTURBED, "washout_per_h": 2.0, "start_cells": [2, 2]}
    kept = timelapse("optics-bf", 20, seed=0, growth=growth_settings(deadly))
    assert int(kept.scene.counts[-1]) == 1
    emptied = timelapse("optics-bf", 20, seed=0, growth=growth_settings({**deadly, "dies_out": True}))
    assert int(emptied.scene.counts[-1]) == 0
    assert torch.equal(emptied.scene.counts.diff(), (emptied.born - emptied.lost)[1:])


def test_impossible_growth_is_named() -> None:
    with pytest.raises(UserError) as error:
        growth_settings({"frame_interval_h": 0, "doubling": 3})
    assert len(error.value.problems) == 2
    assert "growth.frame_interval_h = 0" in str(error.value)
