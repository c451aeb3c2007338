"""One item a core: the same results in order, and torch's threads as they were."""

import threading

import pytest
import torch

from twincell.hardware import side_by_side


@pytest.fixture
def three_threads() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_each_item_has_one_of_torchs_threads_and_all_meet() -> None:
    meet = threading.Barrier(3, timeout=60)  # breaks unless three are at work at a time

    def work(item: int) -> tuple[int, int]:
        if item < 3:
            meet.wait()
        inner = side_by_side(lambda k: threading.get_ident(), [0, 1])
        assert inner == [threading.get_ident()] * 2  # no threads within threads
        return item, torch.get_num_threads()

    assert side_by_side(work, range(9)) == [(item, 1) for item in range(9)]
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_a_fault_comes_through_and_leaves_the_threads_as_they_were() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 // item, [1, 0, 2])
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_one_item_has_all_threads() -> None:
    assert side_by_side(lambda _: torch.get_num_threads(), [None]) == [3]
    assert side_by_side(lambda _: torch.get_num_threads(), [None, None], device="cuda") == [3, 3]
