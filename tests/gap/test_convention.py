"""What people count, from a few labels: only what is surely another convention is called one."""

import pytest
import torch
from torch import Tensor

from twincell.gap.convention import Convention, fit_convention

UNITS = torch.arange(20)


def counted(seed: int = 0, scatter: float = 0.3) -> tuple[Tensor, Tensor]:
    """Cells in 20 images, and what a good counter finds."""
    chance = torch.Generator().manual_seed(seed)
    cells = torch.arange(1, 21).float()
    return cells, cells + scatter * torch.randn(20, generator=chance)


def test_people_who_count_as_is_drawn_are_left_alone() -> None:
    cells, found = counted()
    assert fit_convention(found, cells, UNITS).is_the_generators


def test_few_are_called_another_convention_that_are_none() -> None:
    wrong = 0
    for seed in range(40):
        cells, found = counted(seed, scatter=1.0)
        wrong += not fit_convention(found, cells, UNITS).is_the_generators
    assert wrong <= 5


def test_a_share_that_is_not_counted_is_found_again() -> None:
    cells, found = counted()
    convention = fit_convention(found, 0.8 * cells, UNITS)
    assert convention.of(torch.tensor([10.0])).item() == pytest.approx(8, abs=0.3)
    assert convention.labels == 20


def test_cells_that_count_besides_are_found_again() -> None:
    cells, found = counted()
    convention = fit_convention(found, cells + 2, UNITS)
    assert convention.of(torch.tensor([10.0])).item() == pytest.approx(12, abs=0.3)


def test_labels_of_one_place_change_nothing() -> None:
    cells, found = counted()
    assert fit_convention(found, 0.5 * cells, torch.zeros(20, dtype=torch.long)).is_the_generators


def test_a_model_that_does_not_count_is_no_convention() -> None:
    """It finds three times as many whatever there is: that is nothing of what people count."""
    cells, _ = counted()
    assert fit_convention(30 + 0.01 * cells, cells, UNITS).is_the_generators


def test_a_convention_is_told_in_words() -> None:
    assert str(Convention()) == "as the generator counts"
    assert str(Convention(-1.0, 1.0)) == "n - 1.00"
    assert str(Convention(0.5, 0.8)) == "0.80 n + 0.50"
