"""Modalities by any of their names; misspelt ones refused, own words kept."""

from pathlib import Path

import pytest
from PIL import Image

from twincell.counting.options import CountOptions
from twincell.data.manifest import Manifest
from twincell.data.modality import asked_modality, modality_of, others
from twincell.errors import UserError
from twincell.preprocess.options import ImportOptions


@pytest.mark.parametrize("word", ["bf", "BF", "brightfield", "Bright field", " bright_field "])
def test_bright_field_by_any_name(word: str) -> None:
    assert modality_of(word) == "bf"
    assert CountOptions(modality=word).modality == "bf"


@pytest.mark.parametrize("word", ["pc", "PC", "phase", "Phase contrast", "phase-contrast", "ph", "Ph2"])
def test_phase_contrast_by_any_name(word: str) -> None:
    assert modality_of(word) == "pc"
    assert ImportOptions(word).chambers().modality == "pc"


@pytest.mark.parametrize("word", ["dic", "fluorescence", "darkfield", "DHM", "phase2"])
def test_words_of_ones_own_stay_as_they_are(word: str) -> None:
    assert asked_modality(word) == word


@pytest.mark.parametrize(("word", "meant"), [("brigthfield", "bf"), ("phasecontrats", "pc")])
def test_a_misspelt_name_is_refused_with_the_nearest(word: str, meant: str) -> None:
    for ask in (lambda: CountOptions(modality=word), lambda: ImportOptions(word).chambers()):
        with pytest.raises(UserError, match=f"write {meant}"):
            ask()


def manifest(folder: Path, word: str) -> Path:
    Image.new("L", (20, 20)).save(folder / "a.png")
    path = folder / "manifest.csv"
    path.write_text(f"image,count,split,modality,origin\na.png,1,train,{word},natural\n")
    return path


def test_a_manifest_may_use_any_name(tmp_path: Path) -> None:
    assert Manifest.read(manifest(tmp_path, "Phase contrast")).table["modality"].tolist() == ["pc"]
    assert Manifest.read(manifest(tmp_path, "dic")).table["modality"].tolist() == ["dic"]
    with pytest.raises(UserError, match="line 2: modality 'brigthfield' is not known; write bf"):
        Manifest.read(manifest(tmp_path, "brigthfield"))


def test_a_card_of_an_older_model_may_use_any_name() -> None:
    assert others(["bf", "", "Brightfield"], ["brightfield"]) == []
    assert others(["dic", "pc"], ["bf"]) == ["dic", "pc"]
