"""How far fine-tuning goes, and that it never leaves the start for something worse."""

import pytest
import torch

from helpers.adaptation_toys import SpotCounter, spots, spotted
from twincell.training.adaptation import Effort, Labelled, View, choose
from twincell.training.adaptation.adapt import Vary, _shown, trajectory
from twincell.training.adaptation.search import Views
from twincell.training.adaptation.selection import (
    START,
    LeftOut,
    best_amount,
    effort_for,
    far_off,
    folds,
    honest,
)
from twincell.training.adaptation.sure import standard_error, surely_positive
from twincell.training.adaptation.view import PLAIN, count

QUICK = Effort(steps=(5, 40), rate=0.05)


def test_a_network_that_counts_double_is_mended_by_counts_and_by_places():
    for dots in (False, True):
        start = SpotCounter(2.0)
        chosen = choose(start, spotted(10, dots), QUICK)
        assert chosen.changed
        assert start.factor.item() == 2.0
        fresh = spotted(30).select(range(10, 30))
        missed = (count(chosen.network, fresh.images, chosen.view) - fresh.counts).abs().mean()
        assert missed < 1.2  # the start: 3
        assert chosen.expected is not None
        assert chosen.expected.mae < 1.5 < chosen.expected.start


def test_labels_that_say_nothing_leave_the_start_to_the_bit():
    images = spotted(12)
    counts = images.counts[torch.randperm(12, generator=torch.Generator().manual_seed(1))]
    start = SpotCounter()
    chosen = choose(start, Labelled.of(images.images, counts), QUICK)
    assert chosen.steps == START
    assert not chosen.changed
    assert chosen.view == PLAIN
    same = zip(start.parameters(), chosen.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_a_start_that_is_right_stays():
    chosen = choose(SpotCounter(), spotted(8), QUICK)
    assert chosen.steps == START
    assert chosen.expected is not None
    assert chosen.expected.mae == 0


def test_too_few_labels_change_nothing_and_promise_nothing():
    for n in (0, 1, 2):
        chosen = choose(SpotCounter(3.0), spotted(n), QUICK)
        assert chosen.steps == START
        assert chosen.expected is None


def test_faint_images_are_shown_with_more_contrast():
    faint = spotted(8, contrast=0.15)
    assert count(SpotCounter(), faint.images).max() < 0.5  # blind to them
    views = Views(SpotCounter(), faint, torch.arange(8))
    assert views.best().contrast >= 2.5
    assert views.best(torch.zeros(8, dtype=torch.bool)) == PLAIN
    assert views.best(torch.arange(8) < 1) == PLAIN
    assert Views(SpotCounter(), spotted(8), torch.arange(8)).best() == PLAIN


def test_fine_tuning_is_the_same_for_the_same_seed_and_leaves_other_chance_alone():
    start = SpotCounter(2.0)
    before = torch.get_rng_state()
    ends = []
    for seed in (3, 3, 4):
        for _, network in trajectory(start, spotted(5), View(), QUICK, seed):
            last = network
        ends.append(last.factor.item())
    assert ends[0] == ends[1] != ends[2]
    assert torch.equal(before, torch.get_rng_state())


def test_the_amounts_of_one_run_are_those_of_shorter_runs():
    long = [n.factor.item() for _, n in trajectory(SpotCounter(2.0), spotted(5), View(), QUICK, 0)]
    short = [
        n.factor.item()
        for _, n in trajectory(SpotCounter(2.0), spotted(5), View(), Effort(steps=(5,), rate=0.05), 0)
    ]
    assert long[:1] == short


def test_varied_images_keep_every_cell_where_its_target_is():
    for seed in range(12):
        image, centres = spots(1, seed, height=64, width=96)
        part = Labelled.of([image], [1], [centres])
        chance = torch.Generator().manual_seed(seed)
        shown, counts, targets = _shown(part, View(), Effort(), Vary(noise=0.0), chance)
        peak = divmod(int(targets.argmax()), targets.shape[-1])
        bright = torch.nn.functional.avg_pool2d(shown, 4)
        at = divmod(int(bright.argmax()), bright.shape[-1])
        assert max(abs(a - b) for a, b in zip(peak, at, strict=True)) <= 1
        assert float(counts) == 1
        assert abs(float(targets.sum()) - 1) < 1e-4


def test_a_window_of_a_large_image_counts_what_it_shows():
    image, centres = spots(40, 2, height=128, width=160)
    part = Labelled.of([image], [40], [centres])
    chance = torch.Generator().manual_seed(0)
    shown, counts, targets = _shown(part, View(), Effort(window=64), Vary(size=1.0), chance)
    assert shown.shape[2:] == (64, 64)
    assert float(counts) == float(targets.sum())
    assert 2 < float(counts) < 38
    assert abs(SpotCounter()(shown).sum().item() - float(counts)) < 4


def test_images_of_one_place_are_left_out_together():
    units = torch.arange(20) % 8
    fold = folds(units, 0)
    assert fold.unique().tolist() == [0, 1, 2, 3]
    for unit in range(8):
        assert len(fold[units == unit].unique()) == 1
    assert folds(torch.arange(4), 0).sort().values.tolist() == [0, 1, 2, 3]
    assert folds(torch.arange(20), 1).bincount().tolist() == [5, 5, 5, 5]


def test_labels_of_two_chambers_change_nothing():
    walls = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.8
    walls = walls.repeat_interleave(4, 1).repeat_interleave(4, 2)
    images = spotted(8, chambers=["a", "b"] * 4)
    same_walls = [(image * 0.2 + walls).clamp(0, 1) for image in images.images]
    frames = Labelled.of(same_walls, images.counts, None, images.chambers)
    assert choose(SpotCounter(3.0), frames, QUICK).expected is None
    # The same names over images of different places: these stand alone.
    assert choose(SpotCounter(3.0), images, QUICK).expected is not None


def test_only_a_sure_gain_is_taken():
    start = torch.tensor([1.0, 1.0, 1.0, 1.0])
    lucky = torch.tensor([0.0, 1.0, 1.2, 1.0])  # better by 0.2 +- 0.27
    better = torch.tensor([0.6, 0.5, 0.5, 0.4])
    worse = torch.tensor([2.0, 2.0, 2.0, 2.0])
    alone = torch.arange(4)
    assert best_amount(torch.stack([start, lucky, worse]), alone) == 0
    assert best_amount(torch.stack([start, better, worse]), alone) == 1
    assert best_amount(torch.stack([start, worse, better]), alone) == 2
    assert best_amount(torch.stack([start, start]), alone) == 0
    # Four frames of one chamber, or of two, say less than four of four.
    assert best_amount(torch.stack([start, better]), torch.tensor([0, 0, 0, 0])) == 0


def test_of_two_that_are_level_the_one_that_learned_longer_is_taken():
    start = torch.ones(4)
    short = torch.tensor([0.3, 0.4, 0.3, 0.4])
    level = torch.tensor([0.5, 0.3, 0.2, 0.5])
    behind = torch.tensor([0.6, 0.7, 0.6, 0.7])
    assert best_amount(torch.stack([start, short, level]), torch.arange(4)) == 2
    assert best_amount(torch.stack([start, short, behind]), torch.arange(4)) == 1


def test_the_choice_itself_is_left_out_of_what_is_expected():
    # Amount 0 is far better in fold 0 and worse elsewhere: no fold may choose it for itself.
    counts = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 0.1, 0.0, 1.5, 1.4, 1.5]])
    left_out = LeftOut((START, 0), counts, torch.zeros(6), torch.arange(6), torch.tensor([0, 0, 0, 1, 1, 1]))
    assert honest(left_out)[:3].tolist() == [1.0, 1.0, 1.0]
    assert honest(left_out)[3:].tolist() == pytest.approx([1.5, 1.4, 1.5])


def test_a_standard_error_counts_places_not_frames():
    values = torch.tensor([0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
    each = standard_error(values, torch.arange(6))
    assert each == pytest.approx(float(values.std() / 6**0.5), rel=1e-5)
    pairs = standard_error(values, torch.tensor([0, 0, 1, 1, 2, 2]))
    assert pairs == pytest.approx(1 / 3**0.5, rel=1e-5)
    assert standard_error(values, torch.zeros(6).long()) == torch.inf
    assert not surely_positive(values, torch.zeros(6).long())
    assert surely_positive(values + 2, torch.arange(6))


def test_a_start_that_is_far_off_is_given_more_steps():
    labelled = spotted(12)
    near, far = SpotCounter(1.02), SpotCounter(2.5)
    assert effort_for(12, far_off(near, labelled)).steps == (30, 60)
    assert effort_for(12, far_off(far, labelled)).steps == (30, 60, 120)
    assert effort_for(60, far_off(near, labelled)).steps == (30, 60, 120)
