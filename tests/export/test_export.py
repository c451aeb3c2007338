"""Exported models count as the package does: any size, any engine, with nothing but numpy around them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.shown import ROOT, blocks
from twincell.cli import run
from twincell.data.image_spec import ImageSpec
from twincell.errors import UserError
from twincell.export import ExportOptions, export
from twincell.export.engines import counter, from_onnx
from twincell.export.export import _require_gain
from twincell.export.graph import CountingGraph
from twincell.export.onnx_file import onnx_bytes
from twincell.models.base.file import LoadedModel, load_model
from twincell.simulate import synthesise

PAGE = ROOT / "docs" / "howto" / "edge.md"


def one_look(name: str) -> LoadedModel:
    """A shipped model that looks once, not four times: a quarter of the graph."""
    model = load_model(name)
    preprocessing = model.card.preprocessing.model_copy(update={"test_time_flips": False})
    return replace(model, card=model.card.model_copy(update={"preprocessing": preprocessing}))


def drawn(size: tuple[int, int], n: int = 5) -> torch.Tensor:
    """(n, 1, H, W) uint8 chambers, stretched to this size."""
    images = synthesise("optics-bf", n, seed=4).images
    scaled = torch.nn.functional.interpolate(images, size, mode="bicubic").clamp(0, 1)
    return (scaled * 255).round().byte()


@pytest.mark.parametrize(
    ("name", "size", "diameter"),
    [
        ("chambers", (128, 128), None),
        ("chambers", (100, 203), None),  # tiled along one axis, mirrored along the other
        ("chambers", (300, 131), None),
        ("any", (61, 90), None),
        ("any", (201, 260), 21.0),
    ],
)
def test_the_graph_counts_as_the_model_does(name: str, size: tuple[int, int], diameter: float | None) -> None:
    model, images = one_look(name), drawn(size)
    spec = ImageSpec(cell_diameter_px=diameter)
    graph = CountingGraph(model, size, spec)
    found = dict(zip(graph.tells, graph(images), strict=True))
    wanted = model.predict(images, spec=spec)
    assert {"count", "density", "novelty"} <= set(found)
    for key, values in found.items():
        assert torch.allclose(values, getattr(wanted, key), atol=1e-3, rtol=1e-3), key


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One look of cho-pc as ONNX."""
    path = tmp_path_factory.mktemp("exported") / "cho-pc"
    return export(one_look("cho-pc"), path).files[0]


def test_a_file_is_written_once_with_its_card(exported: Path) -> None:
    import onnx

    told = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    assert json.loads(told["card"])["name"] == "cho-pc"
    assert told["licence"]
    with pytest.raises(UserError, match="exists"):
        export("cho-pc", exported)


def test_the_runner_needs_numpy_and_onnxruntime_alone(exported: Path, tmp_path: Path) -> None:
    runner = tmp_path / "count_onnx.py"
    runner.write_text(next(block.text for block in blocks(PAGE, "python") if block.title == runner.name))
    assert len(runner.read_text().splitlines()) <= 40
    images = drawn((128, 128))[:, 0].numpy()
    np.save(tmp_path / "frames.npy", images)
    alone = "import sys; sys.modules['torch'] = sys.modules['twincell'] = None; import runpy; "
    words = [str(runner), str(exported), str(tmp_path / "frames.npy")]
    code = f"{alone}sys.argv = {words!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows = [line.split(",") for line in done.stdout.splitlines()[1:]]
    found = np.array([float(row[1]) for row in rows])
    assert found == pytest.approx(one_look("cho-pc").predict(images).count.numpy(), abs=2e-3)
    assert found.max() > 3
    np.save(tmp_path / "wide.npy", images.astype(np.uint16))
    words[2] = str(tmp_path / "wide.npy")
    code = f"import sys, runpy; sys.argv = {words!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "uint16 images" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cho-pc", "--format", "tflite"], "'tflite' is not known; choose one of: onnx, openvino"),
        (["cho-pc", "--size", "big"], "write width and height in pixels as 700x500"),
        (["cho-pc", "--size", "4x4"], "give sides from 16 to 4096"),
        (["cho-pc", "--diameter", "9"], "knows cells of one size"),
        (["cho-pc", "--int8"], "int8 is calibrated on your own frames: name at least 16"),
        (["cho-pc", "--format", "openvino", "--out", "m.onnx"], "ends in .xml"),
        (["cho-pc", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_exported_is_said(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export", *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i, image in enumerate(drawn((96, 160), 3)):
        Image.fromarray(image[0].numpy()).save(tmp_path / f"{i}.png")
    assert run(["export", "cho-pc", str(tmp_path), "--out", str(tmp_path / "m")]) == 2
    assert "they have 160 x 96; say --size" in capsys.readouterr().err


def test_int8_that_is_slower_is_refused() -> None:
    with pytest.raises(UserError, match="not faster on this machine"):
        _require_gain({"float32": 1.0, "int8": 1.2})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["any", "chambers", "cho-bf", "cho-pc"])
@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_every_shipped_model_keeps_its_counts(name: str, form: str) -> None:
    model, images = load_model(name), drawn((128, 128))
    graph = CountingGraph(model, (128, 128), ImageSpec()).eval()
    count = counter(from_onnx(onnx_bytes(graph, images[:2], model.card), form), form)
    assert count(images.numpy()) == pytest.approx(model.predict(images).count.numpy(), abs=1e-3)


@pytest.mark.slow
def test_int8_keeps_counts_or_is_refused(tmp_path: Path) -> None:
    for i, image in enumerate(drawn((128, 128), 24)):
        Image.fromarray(image[0].numpy()).save(tmp_path / f"{i}.png")
    options = ExportOptions("openvino", int8=True, lost=0.2)
    written = [tmp_path / "small.xml", tmp_path / "small.bin"]
    try:
        done = export(one_look("cho-pc"), written[0], [tmp_path], options)
    except UserError as problem:
        refused = str(problem)
    else:
        refused = ""
        assert done.lost is not None
        assert done.lost <= 0.2
        assert done.ms["int8"] < done.ms["float32"]
    assert not refused or "not faster" in refused or "changes counts" in refused
    assert [path.exists() for path in written] == [not refused] * 2
