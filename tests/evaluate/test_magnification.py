"""Images of another magnification are measured as they are counted: at the size of cells the model knows."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from twincell.counting import count
from twincell.data.manifest import Manifest
from twincell.evaluate.evaluate import evaluate
from twincell.models.base.file import load_model
from twincell.models.density_network.scale import scaled
from twincell.simulate import synthesise


@pytest.fixture(scope="module")
def enlarged(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Six open fields at three times the size that `any` knows, counted."""
    folder = tmp_path_factory.mktemp("enlarged")
    drawn = synthesise("open-bf", 6, seed=11)
    for k, image in enumerate(scaled(drawn.images, 3.0)[:, 0]):
        Image.fromarray((image * 255).round().to(torch.uint8).numpy()).save(folder / f"{k}.png")
    rows = pd.DataFrame({"image": [f"{k}.png" for k in range(6)], "count": drawn.counts.numpy()})
    rows.assign(split="test", modality="bf", origin="natural").to_csv(folder / "manifest.csv", index=False)
    return Manifest.read(folder)


def test_evaluate_and_count_agree(enlarged: Manifest) -> None:
    model = load_model("any")
    found = evaluate(model, enlarged, "test", progress=False)
    counted = count(enlarged.root, model, progress=False).table
    np.testing.assert_allclose(found.frames["predicted"], counted["count_frame"], atol=1e-3)
    unscaled = model.predict([np.asarray(Image.open(path)) for path in enlarged.paths]).count.numpy()
    assert np.abs(unscaled - counted["count_frame"]).max() > 1  # else this test would see nothing


def test_a_diameter_told_by_the_data_set_is_not_looked_for(
    enlarged: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = enlarged.spec.model_copy(update={"cell_diameter_px": 30.0})
    monkeypatch.setattr(Manifest, "spec", property(lambda self: spec))
    monkeypatch.setattr("twincell.models.base.loaded.LoadedModel.diameter", lambda *a: pytest.fail("looked"))
    evaluate(load_model("any"), enlarged, "test", progress=False)
