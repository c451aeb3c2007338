"""Labelled images, views and targets of fine-tuning."""

import pytest
import torch

from helpers.adaptation_toys import SpotCounter, spots
from twincell.errors import UserError
from twincell.models.base.file import load_model
from twincell.simulate.synthesise import synthesise
from twincell.training.adaptation import Labelled, View
from twincell.training.adaptation.targets import errors, target_maps
from twincell.training.adaptation.view import contrasted, count


def test_faulty_labels_are_all_named_at_once():
    image = torch.rand(1, 40, 50)
    with pytest.raises(UserError) as fault:
        Labelled.of(
            [image, image, torch.full((1, 8, 8), torch.nan), image, image[0]],
            [2, -1, 0, 1, 0],
            [torch.tensor([[1.0, 2.0]]), None, None, torch.tensor([[45.0, 44.0]]), None],
        )
    said = str(fault.value)
    assert "image 0: 1 places for a count of 2" in said
    assert "image 1: its count is -1" in said
    assert "image 2: holds pixels that are NaN" in said
    assert "image 3: a place lies outside its 50 x 40 px" in said
    assert "image 4: has shape (40, 50)" in said
    with pytest.raises(UserError, match="2 images, 1 counts"):
        Labelled.of([image, image], [1])


def test_a_view_shows_sides_the_network_takes_and_moves_places_along():
    image, centres = spots(6, 3, height=88, width=104)
    assert View().show(image[None]).shape == (1, 1, 88, 104)
    view = View(contrast=2.0, scale=0.6)
    shown = view.show(torch.nn.functional.pad(image, (0, 3, 0, 2))[None])  # 90 x 107 px
    assert shown.shape == (1, 1, 56, 64)
    for x, y in view.places(centres, 90, 107).tolist():
        assert shown[0, 0, int(y), int(x)] > 0.8
    assert View(scale=0.01).sides(100, 100) == (32, 32)


def test_contrast_in_the_weights_is_contrast_of_the_image():
    network = load_model("chambers").network
    image = synthesise("optics-bf", 1, seed=3).images[0]
    stretched = (image - image.mean()) * 0.4 + 0.5
    whole = (image - image.mean()) * 0.8 + 0.5
    for factor, shown in ((2.0, stretched), (-2.0, 1 - stretched)):
        found = count(contrasted(network, factor), [shown])
        assert torch.allclose(found, count(network, [whole]), atol=1e-3)
    assert not torch.allclose(count(network, [stretched]), count(network, [whole]), atol=0.1)


def test_images_of_any_size_are_counted_as_at_the_size_the_model_knows():
    drawn = synthesise("optics-bf", 6, seed=5)
    network = load_model("any").network
    known = count(network, list(drawn.images), flips=True)
    uneven = [
        torch.nn.functional.interpolate(image[None], (219, 225), mode="bicubic")[0].clamp(0, 1)
        for image in drawn.images
    ]
    found = count(network, uneven, View(scale=128 / 222), flips=True)
    assert (found - known).abs().mean() < 0.6
    mixed = count(network, [uneven[0], drawn.images[1], uneven[2]], View(scale=0.5))
    assert torch.allclose(mixed[1:2], count(network, [drawn.images[1]], View(scale=0.5)), atol=1e-4)


def test_target_maps_hold_each_cell_where_it_is_also_at_the_edge():
    places = torch.tensor([[10.0, 30.0], [0.0, 0.0], [48.0, 32.0]])
    maps = target_maps([places, None, places[:0]], 32, 48)
    assert maps.shape == (3, 1, 8, 12)
    assert maps[0].sum() == pytest.approx(3, abs=1e-5)
    assert maps[1].isnan().all()
    assert maps[2].sum() == 0
    one = target_maps([places[:1]], 32, 48)[0, 0]
    assert divmod(int(one.argmax()), 12) == (7, 2)


def test_the_loss_is_the_counts_alone_where_places_are_not_known():
    found = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([20.0, 31.5])
    target = torch.cat([torch.full((1, 1, 8, 8), torch.nan), torch.full((1, 1, 8, 8), 0.5)])
    loss = errors(found, counts, target)
    sums = found.sum((1, 2, 3))
    expected = (sums[0] - 20).abs() - 0.5  # Huber's beyond one cell
    assert loss[0] == pytest.approx(float(expected / (1 + 0.08 * 20)), rel=1e-4)
    miss = (sums[1] - 31.5).abs()
    huber = miss - 0.5 if miss > 1 else miss**2 / 2
    map_error = 8 * ((found[1] - 0.5) ** 2).sum()
    assert loss[1] == pytest.approx(float(huber / (1 + 0.08 * 31.5) + map_error), rel=1e-4)


def test_the_toy_counter_counts():
    image, _ = spots(4, 1)
    assert count(SpotCounter(), [image]) == pytest.approx(4, abs=0.3)
