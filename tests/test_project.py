"""The repository keeps its word: versions agree, what the docs say is there, nothing foreign lies in it."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import twincell
from helpers.shown import PAGES, ROOT, blocks
from twincell.data.image_spec import read_spec
from twincell.data.manifest import Manifest
from twincell.io.points import read_points

# Spelled in halves so that this file does not hold them itself.
FOREIGN = [
    "/wo" + "rk/",
    "/tm" + "p/",
    "cla" + "ude",
    "sub" + "agent",
    "ai ag" + "ent",
    "TO" + "DO",
    "FIX" + "ME",
]
LIMITS = {".safetensors": 10_000_000}  # bytes; other files stay below 2 MB


def tracked() -> list[Path]:
    """The files of the repository, or of this folder where it is no checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def metadata() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_versions_agree() -> None:
    version = metadata()["project"]["version"]
    assert twincell.__version__ == version
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]) == version
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_no_foreign_words_or_machine_paths() -> None:
    found = []
    for path in tracked():
        if path.suffix in {".png", ".safetensors", ".jpg", ".npz"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if '"image/png": "' in line:  # of a notebook: letters that mean nothing
                continue
            found += [
                f"{path.relative_to(ROOT)}:{number}: {word}" for word in FOREIGN if word in line.lower()
            ]
            found += [f"{path.relative_to(ROOT)}:{number}" for word in FOREIGN[-2:] if word in line]
    assert found == []


def test_no_published_image_and_no_large_file_lies_in_the_repository() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [name for name in names if re.search(r"nd0\d\d.*\.(jpg|png)$|128p_(bf|pc)/", name)] == []
    large = [
        name for name in names if (ROOT / name).stat().st_size > LIMITS.get(Path(name).suffix, 2_000_000)
    ]
    assert large == []


def test_source_files_stay_small() -> None:
    long = {path.name: len(path.read_text().splitlines()) for path in tracked() if path.suffix == ".py"}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_every_dependency_is_pinned_where_the_figures_were_measured() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].lower(): line.partition("==")[2] for line in lines if "==" in line}
    wanted = {re.split(r"[>=<\[]", need)[0].lower() for need in metadata()["project"]["dependencies"]}
    assert wanted <= set(pinned)
    assert pinned["torch"] == "2.13.0"  # comes as a CPU build; a newer one would bring CUDA
    assert "torchvision" not in pinned


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-cpu.lock"])
def test_the_locks_hold_every_requirement_at_the_version_of_the_constraints(name: str) -> None:
    entries = re.split(r"\n(?=\w)", (ROOT / name).read_text())[1:]
    locked = {entry.partition("==")[0].lower(): entry for entry in entries}
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    wanted = {re.split(r"[>=<\[]", need)[0].lower() for need in metadata()["project"]["dependencies"]}
    assert wanted - set(locked) == ({"torch"} if "cpu" in name else set())
    assert all("--hash=sha256:" in entry for entry in entries)
    for package, entry in locked.items():
        if package in pinned:
            assert entry.partition("==")[2].split()[0] == pinned[package], package


def test_what_a_person_who_counts_installs_has_its_licence_listed_and_no_tool_of_developers() -> None:
    page = (ROOT / "docs" / "reference" / "licences.md").read_text().lower()
    wanted = {re.split(r"[>=<\[]", need)[0].lower() for need in metadata()["project"]["dependencies"]}
    assert [name for name in sorted(wanted) if f"| {name} |" not in page.replace("_", "-")] == []
    assert [name for name in ("transformers", "optuna", "mypy", "pytest") if f"| {name} |" in page] == []


def test_torchvision_is_not_here() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("torchvision")


def test_importing_twincell_is_cheap_and_public_names_come_when_used() -> None:
    code = (
        "import sys, twincell; assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
        "import twincell.training.freezing\n"
        "for name in ('load', 'count', 'train', 'transfer', 'Manifest'):\n"
        "    assert callable(getattr(twincell, name)), name"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = twincell.nonsense  # type: ignore[attr-defined]
    assert {"load", "count", "train", "transfer", "Manifest"} <= set(dir(twincell))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_make_targets_of_the_contributing_page_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text())) <= targets


def test_the_manifest_of_the_formats_page_is_one(tmp_path: Path) -> None:
    text = next(
        block.text
        for block in blocks(ROOT / "docs/reference/formats.md", "")
        if block.text.startswith("image,")
    )
    for name in {line.split(",")[0] for line in text.splitlines()[1:]}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"here")
    (tmp_path / "manifest.csv").write_text(text)
    manifest = Manifest.read(tmp_path)
    assert manifest.table["page"].tolist() == [0, 0, 0, 1]
    assert manifest.labelled.tolist() == [True, False, True, False]


def test_the_points_and_the_sidecar_of_the_formats_page_are_read(tmp_path: Path) -> None:
    shown = blocks(ROOT / "docs/reference/formats.md", "", "json")
    (tmp_path / "points.csv").write_text(next(b.text for b in shown if b.text.startswith("image,x,y")))
    (tmp_path / "manifest.json").write_text(next(b.text for b in shown if b.language == "json"))
    assert read_points(tmp_path / "points.csv")["label"].tolist() == ["living", "dividing"]
    assert read_spec(tmp_path).range == (0, 4095)
