"""Batches: each a function of seed and step; ratio, labels, teachers, synthetic sources."""

import pytest
import torch

from helpers.training_toys import toy_settings, toy_store
from twincell.batches.batches import Batch, Batches, chances, division, steps_per_epoch
from twincell.batches.synthetic_source import backgrounds, expand
from twincell.config import Settings
from twincell.data.store import ImageStore
from twincell.errors import UserError

PLAIN = {
    "augment": {},
    "batch.size": 8,
}


def settings(**sections: object) -> Settings:
    return toy_settings(**sections).changed(PLAIN | {k.replace("__", "."): v for k, v in sections.items()})


def rows(batch: Batch) -> torch.Tensor:
    """Which images of `toy_store` a batch that was not augmented holds."""
    return (batch.images.mean((1, 2, 3)) * 255).round().long()


def same(first: Batch, second: Batch) -> bool:
    fields = ("images", "natural", "weights")
    counts = torch.equal(first.counts.nan_to_num(-1), second.counts.nan_to_num(-1))
    return counts and all(torch.equal(getattr(first, name), getattr(second, name)) for name in fields)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    varied = toy_settings()
    one, two = Batches(toy_store(), varied, seed=5), Batches(toy_store(), varied, seed=5)
    forwards = [one.make(step) for step in range(6)]
    backwards = [two.make(step) for step in reversed(range(6))][::-1]
    assert all(same(a, b) for a, b in zip(forwards, backwards, strict=True))
    assert not same(forwards[0], forwards[1])
    assert not same(forwards[0], Batches(toy_store(), varied, seed=6).make(0))


def test_natural_images_come_first_with_their_own_counts() -> None:
    store = toy_store()
    batch = Batches(store, settings()).make(0)
    assert batch.images.shape == (8, 1, 128, 128)
    assert batch.natural.tolist() == [True] * 4 + [False] * 4
    assert torch.equal(batch.counts.nan_to_num(-1), store.counts[rows(batch)].nan_to_num(-1))
    assert torch.equal(store.natural[rows(batch)], batch.natural)
    assert torch.equal(batch.labelled, ~batch.counts.isnan())
    assert batch.density is None


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0, (8, 0)), (1, (4, 4)), (3, (2, 6)), (0.25, (6, 2)), (1000, (1, 7))]
)
def test_the_ratio_is_kept(ratio: float, expected: tuple[int, int]) -> None:
    chosen = settings(batch__synthetic_per_natural=ratio)
    assert division(chosen, 20) == expected
    batch = Batches(toy_store(), chosen).make(0)
    assert (int(batch.natural.sum()), int((~batch.natural).sum())) == expected


def test_synthetic_only_and_natural_only() -> None:
    assert not Batches(toy_store(), settings(batch__natural=False)).make(0).natural.any()
    assert not Batches(toy_store(natural=0), settings()).make(0).natural.any()
    assert Batches(toy_store(), settings(synthetic__source="none")).make(0).natural.all()
    with pytest.raises(UserError, match="no synthetic source"):
        Batches(toy_store(natural=0), settings(synthetic__source="none"))


def test_an_epoch_shows_every_natural_image_once_in_another_order_each() -> None:
    batches = Batches(toy_store(), settings())
    assert batches.steps_per_epoch == 5 == steps_per_epoch(toy_store(), settings())
    epochs = [torch.cat([rows(batches.make(5 * e + i))[:4] for i in range(5)]) for e in range(2)]
    assert all(sorted(epoch.tolist()) == list(range(20)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_labelled_share_decides_how_many_are_labelled() -> None:
    for share in (0.0, 0.5, 1.0):
        batches = Batches(toy_store(label_every=5), settings(batch__labelled_share=share, batch__size=80))
        labelled = torch.cat([batches.make(i).counts[:40] for i in range(10)])
        assert float((~labelled.isnan()).float().mean()) == pytest.approx(share, abs=0.08)


def test_a_teachers_weights_are_chances_or_loss_weights() -> None:
    store = toy_store(natural=4, synthetic=4)
    targets, weights = torch.tensor([1.5, 2.5, 3.5, 4.5] * 2), torch.tensor([1.0, 0.25, 0.0, 0.75] * 2)
    drawn = Batches(store, settings(batch__size=200), 0, targets, weights)
    batch = drawn.make(0)
    own = batch.counts[:100]
    assert set(own.tolist()) == {1.5, 2.5, 4.5}  # weight 0 is no target and is not drawn
    assert float((own == 1.5).float().mean()) == pytest.approx(0.5, abs=0.12)
    assert batch.weights.eq(1).all()

    weighed = Batches(store, settings(batch__teacher="weigh"), 0, targets, weights).make(0)
    index = rows(weighed)[:4]
    assert sorted(index.tolist()) == [0, 1, 2, 3]
    assert torch.equal(weighed.weights[:4], weights[index])
    assert weighed.counts[:4][index == 2].isnan().all()
    assert weighed.weights[4:].eq(1).all()


def test_chances_without_any_label_or_without_any_unlabelled() -> None:
    batch = settings(batch__labelled_share=0.5).batch
    assert torch.equal(chances(batch, torch.zeros(3), False), torch.ones(3))
    assert torch.equal(chances(batch, torch.ones(3), False), torch.ones(3))
    assert chances(settings().batch, torch.ones(3), False) is None


def test_few_counted_images_are_drawn_less_often() -> None:
    weights = torch.tensor([1.0, 1.0, 0.5, 0, 0, 0])  # two counted, one interpolated
    batch = settings(batch__few=6, batch__teacher="draw").batch
    found = chances(batch, weights, taught=True)
    assert found is not None
    assert found[:3].tolist() == pytest.approx([0.25 * w / 2.5 for w in (1, 1, 0.5)])
    assert found[3:].tolist() == pytest.approx([0.75 / 3] * 3)
    many = chances(settings(batch__few=0, batch__teacher="draw").batch, weights, taught=True)
    assert many is not None
    assert many[3:].sum() == 0


def test_devices_share_a_batch_without_overlap() -> None:
    batch = Batches(toy_store(), settings()).make(0)
    parts = [batch.share(rank, 2) for rank in range(2)]
    assert [int(part.natural.sum()) for part in parts] == [2, 2]
    assert sorted(torch.cat([rows(p) for p in parts]).tolist()) == sorted(rows(batch).tolist())
    assert batch.share(0, 1) is batch


def drawn_settings(**sections: object) -> Settings:
    base = {
        "synthetic__pool": 16,
        "synthetic__presets": ["optics-pc"],
        "batch__density": 16,
        "synthetic__recount": True,
    }
    return settings(**(base | sections))


@pytest.mark.parametrize("source", ["pool", "fresh"])
def test_drawn_images_bring_density_and_counts_of_cells_in_view(source: str) -> None:
    varied = drawn_settings(synthetic__source=source, augment={"shift": 0.3, "flips": True})
    batch = Batches(toy_store(), varied).make(0)
    assert batch.density is not None
    assert batch.density.shape == (8, 1, 16, 16)
    assert batch.density[batch.natural].isnan().all()
    assert torch.allclose(
        batch.density[~batch.natural].sum((1, 2, 3)), batch.counts[~batch.natural], atol=1e-3
    )
    assert 0 <= batch.images.min() <= batch.images.max() <= 1


def test_without_recount_the_label_stays_as_in_the_paper() -> None:
    kept = drawn_settings(synthetic__source="pool", synthetic__recount=False, augment={"shift": 0.3})
    batch = Batches(toy_store(), kept).make(0)
    assert batch.density is not None
    in_view = batch.density[~batch.natural].sum((1, 2, 3))
    assert (batch.counts[~batch.natural] - in_view).max() > 0.5


def test_a_pool_repeats_and_fresh_images_do_not() -> None:
    def seen(source: str) -> int:
        batches = Batches(toy_store(), drawn_settings(synthetic__source=source, batch__size=32))
        images = torch.cat([batches.make(i).images[16:] for i in range(3)])
        return len(torch.unique((images * 255).round().flatten(1), dim=0))

    assert seen("pool") <= 16
    assert seen("fresh") == 48


def test_backgrounds_come_from_the_images_given() -> None:
    store = toy_store(natural=20, synthetic=0)
    median = backgrounds(store, "median", "pc")
    assert median is not None
    # Chamber i of toy_store holds images i, i + 4, .. i + 16, of grey level equal to their index.
    assert torch.allclose(median[:, 0, 0, 0] * 255, torch.tensor([8.0, 9.0, 10.0, 11.0]))
    mean = backgrounds(store, "mean", None)
    few = store.counts < 5
    assert mean is not None
    assert float(mean[0, 0, 0, 0]) * 255 == pytest.approx(float(torch.arange(20)[few].float().mean()))
    assert backgrounds(store, "drawn", None) is None
    with pytest.raises(UserError, match="fewer than 5 cells"):
        backgrounds(store.subset(store.counts > 5), "mean", None)


def test_renderer_presets_are_filled_in_for_each_modality_and_checked() -> None:
    assert expand(["optics-{modality}"], ["bf", "pc"]) == (["optics-bf", "optics-pc"], ["bf", "pc"])
    with pytest.raises(UserError, match="optics-dic cannot be drawn"):
        expand(["optics-{modality}"], ["dic"])


def test_a_manifest_without_what_is_asked_is_refused() -> None:
    with pytest.raises(UserError, match="no counted row with origin synthetic"):
        Batches(toy_store(synthetic=0), settings())
    with pytest.raises(UserError, match="no cell positions"):
        Batches(toy_store(), settings(batch__density=16))


def test_a_median_that_still_holds_cells_is_no_background() -> None:
    ground = torch.full((1, 128, 128), 100, dtype=torch.uint8)
    cell = ground.clone()
    cell[:, 40:52, 60:72] = 220
    store = ImageStore(
        images=torch.stack([cell, cell, ground]),
        counts=torch.tensor([1.0, torch.nan, 0.0]),
        natural=torch.ones(3, dtype=torch.bool),
        chambers=["resting", "resting", "empty"],
        frames=torch.arange(3),
        modalities=["bf"] * 3,
    )

    def density(images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d((images > 0.6).float(), 4) * 16 / 144

    held = backgrounds(store, "median", "bf")
    clean = backgrounds(store, "median", "bf", density)
    assert held is not None
    assert clean is not None
    assert held.amax() > 0.8
    assert clean.shape == held.shape
    assert (clean - 100 / 255).abs().max() < 0.02
