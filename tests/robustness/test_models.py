"""Model files, settings and run folders that were changed, damaged or made to harm."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from helpers.hostile import flipped, refused, values, words
from helpers.training_toys import toy_settings
from twincell.documents import DEEPEST, read_json, read_yaml
from twincell.errors import UserError
from twincell.files import sha256
from twincell.models import METHODS
from twincell.models.base.file import ModelCard, load_card, load_model, save_model
from twincell.presets import load_preset
from twincell.training.checkpointing import read_checkpoint
from twincell.training.run_dir import RunIdentity, check_run_dir, start_run_dir

SMALL = {"network": {"width": 2, "depth": 1, "twin": False}}


def write_model(folder: Path) -> Path:
    method = METHODS["density_network"]
    network = method.build(method.settings_class.model_validate(SMALL))
    card = ModelCard(name="small", method="density_network", settings=SMALL, modalities=["bf"])
    return save_model(folder, network, card)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The weights of a small model, its card beside."""
    return write_model(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, dict]:
    """A model to write over, the bytes of its weights, and its card."""
    weights = write_model(tmp_path_factory.mktemp("model"))
    return weights, weights.read_bytes(), json.loads(weights.with_suffix(".json").read_text())


def describe(weights: Path, **changes: object) -> None:
    """Changes the card of a model; its checksum is made right again."""
    card = weights.with_suffix(".json")
    told = json.loads(card.read_text()) | {"sha256": sha256(weights)} | changes
    card.write_text(json.dumps(told))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(model: Path, bad: float) -> None:
    state = load_file(model)
    name = next(name for name, value in state.items() if value.is_floating_point() and value.numel() > 1)
    state[name].view(-1)[1] = bad
    save_file(state, model)
    describe(model)
    with pytest.raises(UserError, match="NaN or infinite"):
        load_model(model)


def test_weights_of_other_shapes_names_or_number_are_refused(model: Path) -> None:
    state = load_file(model)
    name = next(name for name, value in state.items() if value.ndim == 4)
    for changed in ({name: torch.zeros(5, 5)}, {"more": torch.zeros(3)}):
        save_file(state | changed, model)
        describe(model)
        with pytest.raises(UserError, match="do not fit the method"):
            load_model(model)
    save_file({key: value for key, value in state.items() if key != name}, model)
    describe(model)
    with pytest.raises(UserError, match=name):
        load_model(model)


HEADERS = {
    "text": b"this is no model at all",
    "nothing": b"",
    "one byte": b"\x01",
    "huge header": struct.pack("<Q", 2**62) + b"{}",
    "header of all the file": struct.pack("<Q", 2**24 + 1) + b" " * 100,
    "deep header": struct.pack("<Q", 20_000) + b'{"a":' * 4000,
    "no JSON": struct.pack("<Q", 4) + b"\xff\xfe\x00{",
    "huge tensor": struct.pack("<Q", 66)
    + b'{"a":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,4]}}  '
    + bytes(4),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_files_that_are_no_safetensors_are_refused(model: Path, kind: str) -> None:
    model.write_bytes(HEADERS[kind])
    describe(model)
    with pytest.raises(UserError, match="is not a safetensors file"):
        load_model(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"preprocessing": {"low": 7, "high": 7}},
        {"preprocessing": {"low": 9, "high": 7}},
        {"preprocessing": {"high": float("inf")}},
        {"preprocessing": {"scale": 1e9}},
        {"preprocessing": {"scale": float("nan")}},
        {"image_size": 0},
        {"image_size": 10**9},
        {"image_size": [[1]]},
        {"settings": {"network": {"width": 10**9}}},
        {"settings": {"network": {"depth": 10**9}}},
        {"settings": {"network": {"width": -1}}},
        {"method": "nearest", "settings": {"side": 10**6}},
        {"method": "bit", "settings": {"network": {"depths": [10**8, 1, 1, 1]}}},
        {
            "method": "twin_vae",
            "settings": {"network": {"core": 16384, "latent": 16384, "channels": [16384] * 4}},
        },
        {"method": "unheard of"},
        {"method": None},
    ],
)
def test_cards_of_impossible_networks_are_refused_before_any_is_made(
    model: Path, changes: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(model.with_suffix(".json").read_text())
    if "image_size" in changes:
        told.pop("image")
        model.with_suffix(".json").write_text(json.dumps(told))
    describe(model, **changes)
    monkeypatch.setattr(nn.Module, "load_state_dict", lambda *_: pytest.fail("weights were asked for"))
    with pytest.raises(UserError):
        load_model(model)


@pytest.mark.parametrize(("pictures", "counts", "k"), [(3, 3, 4), (3, 2, 1), (3, 3, 0)])
def test_nearest_neighbours_need_as_many_pictures(tmp_path: Path, pictures: int, counts: int, k: int) -> None:
    network = METHODS["nearest"].build(METHODS["nearest"].settings_class(side=4))
    network.remember(torch.zeros(pictures, 16), torch.zeros(counts), k)
    card = ModelCard(name="near", method="nearest", settings={"side": 4}, modalities=["bf"])
    with pytest.raises(UserError, match="do not fit"):
        load_model(save_model(tmp_path, network, card))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_is_compared_without_memory(name: str) -> None:
    """Building on torch's device without memory works, so that shapes are known before they are made."""
    method = METHODS[name]
    with torch.device("meta"):
        network = method.build(method.settings_class())
    assert all(value.is_meta for value in network.parameters())


@pytest.mark.parametrize(
    "card",
    [b"[" * 200_000, b'{"a":' * 10_000, b"[]",
     b"null", b" " * 2**21, b"\xff", b"", b"9" * 5000, b'"' + b'\\"' * 9999],
    ids=["deep", "deep names", "list", "null", "large", "no text", "empty", "long number", "open string"],
)  # fmt: skip
def test_cards_that_are_none_are_refused(model: Path, card: bytes) -> None:
    model.with_suffix(".json").write_bytes(card)
    with pytest.raises(UserError, match="not a model card"):
        load_card(model)


def test_a_card_a_thousand_million_deep_costs_nothing(tmp_path: Path) -> None:
    """The file is sparse: it says to be 8 GB and takes no room; memory and time stay small all the same."""
    path = tmp_path / "card.json"
    with path.open("wb") as file:
        file.write(b"[" * 4096)
        file.truncate(2**33)
    with pytest.raises(UserError, match="larger than"):
        read_json(path, "cure")


def test_brackets_in_words_are_no_depth(tmp_path: Path) -> None:
    path = tmp_path / "fine.json"
    path.write_text(json.dumps({"words": "[" * 1000 + '"{' * 9, "deep": [[[[1]]]]}))
    assert read_json(path, "cure")["deep"] == [[[[1]]]]
    path.write_text("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    with pytest.raises(UserError, match="nested"):
        read_json(path, "cure")


BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [BOMB, "&a [*a]", "[" * 100_000, "- " * 5000, "2001-99-99",
     "!!int ''", "!!bool x", "!!python/name:os.system"],
    ids=["bomb", "itself", "deep", "deep lists", "no date", "no number", "no truth", "code"],
)  # fmt: skip
def test_settings_made_to_harm_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(UserError):
        read_yaml(path, "cure")
    with pytest.raises(UserError):
        load_preset(path)


def test_names_for_values_stay_usable_in_settings(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("a: &x {b: [1, 2]}\nc: *x\nd: {<<: *x, e: 3}\n")
    assert read_yaml(tmp_path / "s.yaml", "cure")["d"] == {"b": [1, 2], "e": 3}


CARD_NAMES = [*ModelCard.model_fields, "image_size"]
PARTS = [
    "low",
    "high",
    "scale",
    "height",
    "width",
    "dtype",
    "unit",
    "range",
    "network",
    "depth",
    "twin",
    "fingerprint",
]


@given(changes=st.dictionaries(
    st.sampled_from(CARD_NAMES), values | st.dictionaries(st.sampled_from(PARTS), values, max_size=3),
    max_size=3,
))  # fmt: skip
def test_any_card_is_read_or_refused(shared: tuple[Path, bytes, dict], changes: dict) -> None:
    weights, data, card = shared
    weights.write_bytes(data)
    try:
        text = json.dumps(card | changes)
    except ValueError:  # a number too long to be written
        return
    weights.with_suffix(".json").write_text(text, encoding="utf-8")
    refused(lambda: load_model(weights))


@given(data=st.data())
def test_any_damage_to_a_model_is_refused(shared: tuple[Path, bytes, dict], data: st.DataObject) -> None:
    weights, whole, card = shared
    size = 8 + struct.unpack("<Q", whole[:8])[0]
    head = data.draw(flipped(whole[:size]))
    weights.write_bytes(head + whole[size:])
    weights.with_suffix(".json").write_text(json.dumps(card | {"sha256": sha256(weights)}))
    refused(lambda: load_model(weights))


SECTIONS = [
    "version",
    "name",
    "method",
    "model",
    "augment",
    "synthetic",
    "batch",
    "teacher",
    "training",
    "transfer",
]


@given(changes=st.dictionaries(st.sampled_from(SECTIONS) | words, values, max_size=4), damage=st.data())
def test_any_settings_are_read_or_refused(
    shared: tuple[Path, bytes, dict], changes: dict, damage: st.DataObject
) -> None:
    path = shared[0].parent / "settings.yaml"
    text = toy_settings().to_yaml() + "".join(f"{k}: {json_or_word(v)}\n" for k, v in changes.items())
    path.write_bytes(damage.draw(flipped(text.encode(errors="replace"))))
    refused(lambda: load_preset(path))


def json_or_word(value: object) -> str:
    try:
        return json.dumps(value)
    except ValueError:
        return "9" * 400


# -- run folders -----------------------------------------------------------------------------------

IDENTITY = RunIdentity("data", "f" * 64, 3)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    start_run_dir(tmp_path / "run", toy_settings(), IDENTITY)
    return tmp_path / "run"


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"\xff\x00",
    b"[" * 99999,
    b'{"seed": "3"}',
    b'{"manifest":"a","fingerprint":1,"seed":2}',
]


@pytest.mark.parametrize("data", DAMAGED)
def test_a_damaged_run_json_is_named_with_what_can_be_saved(run_folder: Path, data: bytes) -> None:
    (run_folder / "run.json").write_bytes(data)
    with pytest.raises(UserError, match=r"run\.json: .*nothing of it can be gone on with"):
        check_run_dir(run_folder, toy_settings(), IDENTITY, resume=True)
    (run_folder / "last.ckpt").touch()
    with pytest.raises(UserError, match=r"run\.json: .*remove run\.json and settings\.yaml"):
        check_run_dir(run_folder, toy_settings(), IDENTITY, resume=True)
    write_model(run_folder)
    with pytest.raises(UserError, match="its model still counts"):
        check_run_dir(run_folder, toy_settings(), IDENTITY, resume=True)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\x00", b"[" * 99999, b"a: [", b"null"])
def test_damaged_settings_of_a_run_are_named(run_folder: Path, data: bytes) -> None:
    (run_folder / "settings.yaml").write_bytes(data)
    with pytest.raises(UserError, match=r"settings\.yaml"):
        check_run_dir(run_folder, toy_settings(), IDENTITY, resume=True)


def test_a_removed_run_json_is_written_anew(run_folder: Path) -> None:
    """What the message about a damaged one says to do."""
    (run_folder / "run.json").unlink()
    check_run_dir(run_folder, toy_settings(), IDENTITY, resume=True)
    start_run_dir(run_folder, toy_settings(), IDENTITY)
    check_run_dir(run_folder, toy_settings(), IDENTITY, resume=True)


def test_a_damaged_checkpoint_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"global_step": 7, "state_dict": {"weights": torch.arange(5000.0)}}, path)
    whole = path.read_bytes()
    assert read_checkpoint(path)["global_step"] == 7
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 255  # inside of a tensor: torch loads it without a word
    torch.save({"state_dict": {}}, tmp_path / "none.ckpt")
    others = [
        (tmp_path / "none.ckpt").read_bytes(),
        bytes(middle),
        whole[: len(whole) // 2],
        b"",
        b"text",
        whole[:-40],
    ]
    for data in others:
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"cannot be gone on from .*--resume then trains the same run"):
            read_checkpoint(path)


def test_hostile_models_take_little_memory(model: Path) -> None:
    """In a process of its own, with 2 GB at most: a card that asks for 10 GB of weights."""
    describe(model, settings={"network": {"width": 16384, "depth": 1}})
    script = (
        "import resource, sys, torch\n"
        "from twincell.models.base.file import load_model\n"
        "from twincell.errors import UserError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    load_model(sys.argv[1])\n"
        "except UserError:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(model)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout, done.stderr
    assert int(done.stdout) < 300_000  # kB
