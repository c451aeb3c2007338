"""Forward-backward and path drawing: against every path written out."""

from itertools import product

import numpy as np
import pytest

from twincell.series.smoothing.forward_backward import Chain, draw_paths, filtered, smoothed


@pytest.fixture
def small() -> tuple[np.ndarray, Chain]:
    rng = np.random.default_rng(0)

    def rows(*shape: int) -> np.ndarray:
        values = rng.random(shape) + 0.05
        return (values / values.sum(-1, keepdims=True)).astype(np.float32)

    chain = Chain(rows(2, 3, 3), rows(2, 2), rows(3), rows(2))
    return rng.random((4, 2, 2, 3)).astype(np.float32) + 0.01, chain


def every_path(likelihood: np.ndarray, chain: Chain, c: int) -> dict[tuple, float]:
    """Joint probability of what was seen and each whole path of (slow, count), for one chamber."""
    frames = len(likelihood)
    weights = {}
    for path in product(product(range(2), range(3)), repeat=frames):
        weight = float(chain.slow_prior[path[0][0]] * chain.start[path[0][1]])
        for t, (k, s) in enumerate(path):
            if t:
                weight *= float(chain.slow_steps[path[t - 1][0], k] * chain.count_steps[c, path[t - 1][1], s])
            weight *= float(likelihood[t, k, s])
        weights[path] = weight
    return weights


def test_posterior_and_evidence_equal_the_sum_over_all_paths(small):
    likelihood, chain = small
    state, evidence = filtered(likelihood, chain)
    smoothed(state, likelihood, chain)
    for c in range(2):
        weights = every_path(likelihood[:, c], chain, c)
        total = sum(weights.values())
        assert evidence[c] == pytest.approx(np.log(total), rel=1e-4)
        for t in range(4):
            for k, s in product(range(2), range(3)):
                expected = sum(w for path, w in weights.items() if path[t] == (k, s)) / total
                assert state[t, c, k, s] == pytest.approx(expected, abs=1e-4)


def test_drawn_paths_follow_the_joint_distribution(small):
    likelihood, chain = small
    state, _ = filtered(likelihood, chain)
    chance = np.random.default_rng(1).random((4, 2, 20_000, 2), np.float32)
    paths = draw_paths(state, chain, np.array([4, 4]), chance)
    weights = every_path(likelihood[:, 0], chain, 0)
    total = sum(weights.values())
    for counts in [(0, 0, 0, 0), (0, 1, 2, 2), (2, 1, 1, 0)]:
        expected = sum(w for path, w in weights.items() if tuple(s for _, s in path) == counts) / total
        seen = (paths[:, 0] == np.array(counts)[:, None]).all(0).mean()
        assert seen == pytest.approx(expected, abs=4 * np.sqrt(expected / 20_000) + 1e-4)


def test_padding_behind_a_chamber_changes_nothing(small):
    likelihood, chain = small
    padded = np.concatenate([likelihood, np.ones((3, 2, 2, 3), np.float32)])
    chance = np.random.default_rng(2).random((7, 2, 50, 2), np.float32)
    short, evidence = filtered(likelihood, chain)
    long, evidence_long = filtered(padded, chain)
    paths = draw_paths(short, chain, np.array([4, 4]), chance[:4])
    paths_long = draw_paths(long, chain, np.array([4, 4]), chance)
    smoothed(short, likelihood, chain)
    smoothed(long, padded, chain)
    assert np.allclose(evidence, evidence_long, atol=1e-5)
    assert np.allclose(short, long[:4], atol=1e-5)
    assert (paths == paths_long[:4]).all()
