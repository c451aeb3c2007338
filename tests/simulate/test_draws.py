import torch

from twincell.simulate.draws import Draws, slow_drift


def ids(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


def test_a_number_depends_on_seed_id_use_and_place_only() -> None:
    alone = Draws(3, ids(7)).uniform("x", 50)
    among = Draws(3, torch.arange(100)).uniform("x", 50)
    assert torch.equal(alone[0], among[7])
    assert torch.equal(Draws(3, ids(7)).uniform("x", 80)[:, :50], alone), (
        "more numbers change the earlier ones"
    )
    assert not torch.equal(Draws(4, ids(7)).uniform("x", 50), alone)
    assert not torch.equal(Draws(3, ids(8)).uniform("x", 50), alone)
    assert not torch.equal(Draws(3, ids(7)).uniform("y", 50), alone)


def test_large_ids_and_seeds_are_told_apart() -> None:
    near = Draws(0, ids(5, 5 + 2**31, 5 + 2**40)).uniform("x", 20)
    assert len(torch.unique(near, dim=0)) == 3
    assert not torch.equal(Draws(2**40, ids(5)).uniform("x", 20), Draws(0, ids(5)).uniform("x", 20))


def test_uniform_fills_its_range_evenly() -> None:
    x = Draws(1, torch.arange(200)).uniform("x", 1000)
    assert float(x.min()) >= 0
    assert float(x.max()) < 1
    shares = torch.histc(x, 20, 0, 1) / x.numel()
    assert float((shares - 0.05).abs().max()) < 0.002  # four standard deviations of a share are 0.002
    between = Draws(1, ids(0)).between("x", (-2.0, 3.0), 1000)
    assert -2 <= float(between.min()) < -1.9
    assert 2.9 < float(between.max()) < 3


def test_normal_has_mean_0_and_variance_1() -> None:
    x = Draws(1, torch.arange(100)).normal("x", 2000)
    assert abs(float(x.mean())) < 0.01
    assert abs(float(x.std()) - 1) < 0.01
    assert abs(float((x.abs() > 1.96).float().mean()) - 0.05) < 0.003
    assert bool(torch.isfinite(x).all())


def test_streams_do_not_follow_one_another() -> None:
    draws = Draws(1, torch.arange(2000))
    x = torch.cat([draws.uniform(use, 4) for use in "abc"], 1) - 0.5
    across = torch.corrcoef(x.T) - torch.eye(12)
    along = torch.corrcoef(x[:100])  # neighbouring images
    assert float(across.abs().max()) < 0.1
    assert abs(float((along - torch.eye(100)).mean())) < 0.02


def test_moments_of_a_recording_differ_and_the_rest_stays() -> None:
    chamber = torch.full((5,), 9)
    draws = Draws(0, chamber, torch.arange(5))
    assert len(torch.unique(draws.uniform("look"))) == 1
    assert len(torch.unique(draws.per_frame.uniform("noise"))) == 5
    assert Draws(0, chamber).per_frame.uniform("noise")[0] == Draws(0, chamber).uniform("noise")[0]


def test_a_drift_is_slow_and_bounded() -> None:
    frames = torch.arange(500)
    way = slow_drift(Draws(2, torch.zeros(500, dtype=torch.int64), frames), "focus")
    assert float(way.abs().max()) <= 1
    assert float(way.std()) > 0.2
    assert float(way.diff().abs().max()) < 0.16  # 2 pi / 40, both waves at their steepest
