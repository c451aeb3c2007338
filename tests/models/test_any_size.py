"""Images of any size, type and unit: counted once, and as before where they are as before."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from twincell.data.image_spec import FIRST_RELEASE, ImageSpec
from twincell.errors import UserError
from twincell.models.base.card import ModelCard
from twincell.models.base.file import SHIPPED, load_model
from twincell.models.base.method import Prediction
from twincell.models.base.views import GRAIN, predict_any, spans
from twincell.simulate import synthesise

VIEW = 128


def dots(images: Tensor) -> Prediction:
    """A network that sees white pixels, in elements of 4 px."""
    density = torch.nn.functional.avg_pool2d((images > 0.9).float(), 4) * 16
    return Prediction(density.sum((1, 2, 3)), density=density, novelty=images.mean((1, 2, 3)))


@pytest.mark.parametrize("length", [8, 100, 128, 129, 200, 256, 500, 700, 1999])
def test_owned_parts_cover_an_axis_without_gap_or_overlap(length: int) -> None:
    found = spans(length, VIEW)
    assert found[0].first == 0
    assert length <= found[-1].last < length + GRAIN
    assert all(a.last == b.first for a, b in pairwise(found))
    for span in found:
        assert span.start <= span.first < span.last <= span.start + VIEW
        assert span.start % GRAIN == span.first % GRAIN == 0
    # between neighbours a view owns nothing near its own edges
    assert all(b.first - b.start >= 16 and a.start + VIEW - a.last >= 16 for a, b in pairwise(found))


@pytest.mark.parametrize("shape", [(500, 700), (128, 128), (52, 300), (36, 44), (132, 128)])
def test_every_dot_is_counted_once_and_where_it_is(shape: tuple[int, int]) -> None:
    image = torch.zeros(1, *shape)
    high, wide = shape
    places = torch.randperm(high * wide, generator=torch.Generator().manual_seed(0))[:60]
    image[0, places // wide, places % wide] = 1.0
    found = predict_any(dots, [image], (VIEW, VIEW), 3)
    assert found.count.tolist() == [60]
    assert found.density is not None
    rounded = torch.zeros(1, 1, *(-(-side // 4) * 4 for side in shape))
    rounded[0, :, : shape[0], : shape[1]] = image
    assert torch.equal(found.density, dots(rounded).density)


def test_images_of_several_sizes_keep_their_order_and_their_progress() -> None:
    images = [torch.ones(1, 8 * k, 16) for k in (1, 40, 3, 16)]
    seen: list[int] = []
    found = predict_any(dots, images, (VIEW, VIEW), 2, seen.append)
    assert found.count.tolist() == [128.0 * k for k in (1, 40, 3, 16)]
    assert found.density is None
    assert sum(seen) == 4
    torch.testing.assert_close(found.novelty, torch.ones(4))


def field(preset: str, cells: int) -> tuple[np.ndarray, int]:
    """A 700 x 500 image of drawn chambers whose counts sum to `cells`, on the chambers' mean, (500, 700)."""
    made = synthesise(preset, 48, seed=5)
    level = float(made.images.mean())
    image = np.full((500, 700), level, np.float32)
    corners = iter([(y, x) for y in (16, 186, 356) for x in (10, 148, 286, 424, 562)])
    left = cells
    for k in np.argsort(-made.counts.numpy(), kind="stable"):
        count = int(made.counts[k])
        if 4 <= count <= left and left - count not in (1, 2, 3) and left:
            y, x = next(corners)
            own = made.images[k, 0].numpy()
            image[y : y + VIEW, x : x + VIEW] = own - own.mean() + level
            left -= count
    return np.round(image.clip(0, 1) * 255).astype(np.uint8), cells - left


@pytest.mark.parametrize(
    ("model", "preset"), [("chambers", "optics-pc"), ("chambers", "optics-bf"), ("cho-pc", "optics-pc")]
)
def test_a_field_of_sixty_cells_is_counted_within_five_percent(model: str, preset: str) -> None:
    image, truth = field(preset, 60)
    assert truth == 60
    found = load_model(model).predict([image])
    assert float(found.count[0]) == pytest.approx(truth, rel=0.05)


def test_a_first_release_card_reads_as_128_grey_bytes() -> None:
    told = json.loads((SHIPPED / "chambers.json").read_text())
    assert "image" not in told  # the shipped cards are of the first release
    assert ModelCard.model_validate(told).image == FIRST_RELEASE == ImageSpec(height=128, width=128)
    del told["image_size"]
    assert ModelCard.model_validate(told).image == FIRST_RELEASE
    other = ModelCard.model_validate(told | {"image_size": 64})
    assert other.view == (64, 64)
    assert ModelCard.model_validate_json(other.model_dump_json()) == other


def test_bytes_16_bit_and_floats_count_alike() -> None:
    model = load_model("chambers")
    images = (synthesise("optics-pc", 2, seed=1).images * 255).round().to(torch.uint8)[:, 0].numpy()
    counts = model.predict(images).count
    for other, spec in (
        (images.astype(np.uint16) * 257, None),
        (images / np.float32(255), None),
        (images.astype(np.uint16) * 16, ImageSpec(dtype="uint16", range=(0, 4080))),
        (images * 2.0 - 100, ImageSpec(dtype="float64", range=(-100, 410))),
        (list(images), None),
    ):
        torch.testing.assert_close(model.predict(other, spec=spec).count, counts, atol=1e-3, rtol=0)


def test_numbers_that_mean_nothing_known_are_refused() -> None:
    model = load_model("chambers")
    with pytest.raises(UserError, match="look like 12 bit in 16"):
        model.predict(np.full((1, 128, 128), 900, np.uint16))
    spec = ImageSpec(dtype="float32", unit="nm of optical path", range=(0, 400))
    with pytest.raises(UserError, match="nm of optical path"):
        model.predict(np.ones((1, 128, 128), np.float32), spec=spec)
    with pytest.raises(UserError, match="one type at a time"):
        model.predict([np.zeros((90, 90), np.uint8), np.zeros((91, 90), np.float32)])


def test_a_known_cell_diameter_brings_images_to_the_models_scale(tmp_path: Path) -> None:
    model = load_model("chambers")
    card = model.card.model_copy(update={"image": ImageSpec(height=128, width=128, cell_diameter_px=12)})
    known = type(model)(card, model.network, model.method, model.path)
    image = synthesise("optics-pc", 1, seed=3).images[:, 0]
    large = torch.nn.functional.interpolate(image[None], (256, 256), mode="bicubic", antialias=True)[0].clamp(
        0, 1
    )
    spec = ImageSpec(dtype="float32", range=(0, 1), cell_diameter_px=24)
    assert known.predict(large, spec=spec).count == pytest.approx(model.predict(image).count, abs=0.3)
