"""A desk on which the commands of the docs can be run as they are written: every file they name lies there.

A thing is laid on the desk when a command first names it. Recordings and chambers are drawn, models are real
but trained for two steps. What makes a command merely long (steps, trials, images) is made short here, and
nothing else about it changes.
"""

import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from helpers.make_published import make_published
from helpers.recording_toys import bf_field, film, pc_field, write_ome
from helpers.shown import ROOT, Block
from twincell import config, presets
from twincell.cli import run
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.demo import run as demo
from twincell.label.server import serve
from twincell.phase.hologram import ball, hologram
from twincell.phase.retrieve import Optics
from twincell.phase.simulate import CLASSES, round_cells, sperm_cells
from twincell.simulate.recordings import recording
from twincell.training.adaptation import Effort

SHORT = {"--trials": "3", "-n": "6", "--steps": "2"}
SHELL = ("sh", "bash", "console")
WRITTEN = ("--out", "--json", "--report")
FOLDS = ["--folds", "2", "--only", "0"]
STUDY = [
    "--set", "k=[3]", "--set", "arms=[features, topgan, self-supervised]", "--set", "width=2",
    "--set", "unlabelled=64", "--set", "gan_steps=2", "--set", "contrast_steps=2", "--set", "steps=3",
    "--set", "test=6", "--set", "reference=6", "--set", "reference_steps=2", "--set", "tuning_k=3",
]  # fmt: skip
"""`twincell reproduce topgan` at toy size."""
FRAMES = 12
SPLITS = {1: "train", 2: "train", 3: "train", 4: "val", 5: "test"}
SPACE = """
learning rate: {multiply: training.learning_rate, values: [0.1, 1, 10], scale: log}
transfer scheme: {set: transfer.scheme, values: [full, frozen-core]}
"""

Maker = Callable[[Path, "Store"], None]


class Store:
    """What may be laid on desks; each thing is made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lay(self, thing: str, desk: Path) -> None:
        """A copy of `thing` on the desk, under its name there."""
        make = THINGS[thing]
        kept = self.folder / make.__name__
        if not kept.exists():
            make(kept, self)
        place = desk / thing
        place.parent.mkdir(parents=True, exist_ok=True)
        if kept.is_dir():
            shutil.copytree(kept, place, dirs_exist_ok=True)
        else:
            shutil.copyfile(kept, place)


def crops(out: Path, store: Store) -> None:
    """One chamber in phase contrast, a PNG a frame."""
    out.mkdir(parents=True)
    for frame, pixels in enumerate(recording("optics-pc", FRAMES, seed=4).images):
        Image.fromarray(pixels).save(out / f"t{frame}.png")


def folders(out: Path, store: Store) -> None:
    """A folder of PNGs a chamber, in phase contrast, every third image counted in a table beside them."""
    for k in range(5):
        place = out / f"C{k}"
        place.mkdir(parents=True)
        made = recording("optics-pc", FRAMES, seed=6, chamber_id=k)
        for frame, pixels in enumerate(made.images):
            Image.fromarray(pixels).save(place / f"t{frame}.png")
        counted = range(0, FRAMES, 3)
        table = {"image": [f"t{f}.png" for f in counted], "count": made.counts[::3]}
        pd.DataFrame(table).to_csv(place / "counts.csv", index=False)


def stack(out: Path, store: Store) -> None:
    """The same as one TIFF that does not say what its axes are."""
    tifffile.imwrite(out, recording("optics-pc", FRAMES, seed=4).images, photometric="minisblack")


def dataset(out: Path, store: Store) -> None:
    """A manifest of five chambers a microscope, every third frame counted, with a condition."""
    out.mkdir(parents=True)
    rows = []
    for letter, modality in (("A", "pc"), ("B", "bf")):
        for k, split in SPLITS.items():
            made = recording(f"optics-{modality}", FRAMES, seed=6, chamber_id=k)
            for frame, pixels in enumerate(made.images):
                name = f"{letter}{k:02d}-{frame:02d}.png"
                Image.fromarray(pixels).save(out / name)
                count = made.counts[frame] if frame % 3 == 0 else None
                rows.append((name, count, split, modality, "natural", f"{letter}{k:02d}", frame, frame / 2))
    names = ["image", "count", "split", "modality", "origin", "chamber", "frame", "time_h"]
    table = pd.DataFrame(rows, columns=names)
    table["medium"] = np.where(table["chamber"].str.endswith(("1", "2")), "rich", "poor")
    Manifest(table, out).write(out)


def one_microscope(out: Path, store: Store) -> None:
    """The bright-field part of `dataset`, its images beside it."""
    store.lay("data", out.parent / "whole")
    shutil.copytree(out.parent / "whole" / "data", out)
    manifest = Manifest.read(out)
    part = manifest.table[manifest.table["modality"] == "bf"]
    Manifest(part, manifest.root).write(out)


def table_of_counts(out: Path, store: Store) -> None:
    """What `twincell count` wrote for `dataset`."""
    whole = out.parent / "counted"
    store.lay("data", whole)
    assert run(["count", "cho-pc", str(whole / "data"), "--out", str(out)]) == 0


def manifest_alone(out: Path, store: Store) -> None:
    """The table of `dataset` without its images."""
    whole = out.parent / "listed"
    store.lay("data", whole)
    shutil.copyfile(whole / "data" / "manifest.csv", out)


def twin(out: Path, store: Store) -> None:
    """A run folder: a small Twin-VAE, two steps old."""
    whole = out.parent / "learned"
    store.lay("data", whole)
    assert run(["train", str(whole / "data"), "--preset", "compact", "--out", str(out)]) == 0


def finished(out: Path, store: Store) -> None:
    """A finished `twincell reproduce leave-chamber-out`."""
    whole = out.parent / "measured"
    store.lay("data", whole)
    words = ["reproduce", "leave-chamber-out", "--manifest", str(whole / "data"), "--out", str(out), *FOLDS]
    assert run(words) == 0


def published(out: Path, store: Store) -> None:
    """The published folders, with drawn images."""
    make_published(out)


def field(out: Path, store: Store) -> None:
    """A field of view of two chambers in bright field, as OME-TIFF."""
    write_ome(out.with_suffix(".ome.tif"), film(bf_field(), 6).frames)
    out.with_suffix(".ome.tif").rename(out)


def nd2_file(out: Path, store: Store) -> None:
    """An empty file: only the microscope's maker writes ND2, so a stand-in reads it (`NightNd2`)."""
    out.write_bytes(b"")


def checkpoint(out: Path, store: Store) -> None:
    """Weights as the Twin-VAE's authors save them."""
    from models.test_twin_vae_authors import authors_state, write  # type: ignore[import-not-found]

    write(out, authors_state())


def space(out: Path, store: Store) -> None:
    """The two lines of a search's space that the results name."""
    out.write_text(SPACE)


def picture(out: Path, store: Store) -> None:
    """One drawn chamber."""
    Image.fromarray(recording("optics-pc", FRAMES, seed=4).images[-1]).save(out, format="png")


def phase_maps(out: Path, store: Store) -> None:
    """Phase maps as a lab has them: unlabelled ones, a folder for each class, and new ones."""
    out.mkdir(parents=True)
    np.save(out / "unlabelled.npy", sperm_cells(24, 1))
    np.save(out / "new.npy", round_cells(3, CLASSES[0], 9))
    for number, name in enumerate(CLASSES):
        (out / "classes" / name).mkdir(parents=True)
        np.save(out / "classes" / name / "maps.npy", round_cells(4, name, number))


def holograms(out: Path, store: Store) -> None:
    """An off-axis hologram of one drawn cell."""
    seen = hologram(ball(96, 30, 400), Optics(633, 0.107))
    Image.fromarray(np.uint8(100 * seen)).save(out, format="png")


def empty_hologram(out: Path, store: Store) -> None:
    """The same without a cell."""
    seen = hologram(np.zeros((96, 96)), Optics(633, 0.107))
    Image.fromarray(np.uint8(100 * seen)).save(out, format="png")


ASSIGNED = re.compile(r'^((\w+)="([^"]*)"\n)', re.MULTILINE)
THINGS: dict[str, Maker] = {
    **dict.fromkeys(("my/chamber", "my/recording", "recording"), crops),
    **dict.fromkeys(("my/images", "images"), folders),
    "data/cho_k1": published,
    **dict.fromkeys(("data", "my", "mine", "night", "new", "cho", "W", "MANIFEST", "COUNTED"), dataset),
    **dict.fromkeys(("bf", "data-bf"), one_microscope),
    **dict.fromkeys(("runs/pc", "runs/first", "RUN"), twin),
    **dict.fromkeys(("results/pc", "results/bf"), finished),
    **dict.fromkeys(("IMAGE.png", "chamber.png"), picture),
    "maps": phase_maps,
    "cell.png": holograms,
    "empty.png": empty_hologram,
    "stack.tif": stack,
    "counts.csv": table_of_counts,
    "manifest.csv": manifest_alone,
    "night.ome.tif": field,
    "night.nd2": nd2_file,
    "50000.pth": checkpoint,
    "two.yaml": space,
}


def lay_what_is_named(words: list[str], desk: Path, store: Store) -> None:
    """Lays out the things that a command reads: those it names, but for what stands behind --out."""
    for before, word in zip(["", *words], words, strict=False):
        named = word.rpartition("=")[2].rstrip("/")
        if before in WRITTEN or (desk / named).exists():
            continue
        for thing in THINGS:
            if named == thing or named.startswith(f"{thing}/"):
                store.lay(thing, desk)
                break


def run_shell(block: Block, desk: Path, store: Store) -> None:
    """Runs each line of a shell block on the desk, which is the current folder."""
    text = block.text
    for assignment, name, value in ASSIGNED.findall(text):
        text = text.replace(assignment, "").replace(f"${name}", " ".join(value.split()))
    for line in Block(block.page, block.language, text).lines():
        words = shlex.split(line, comments=True)
        if words[0] == "twincell":
            lay_what_is_named(words[1:], desk, store)
            assert run(shortened(words[1:])) == 0, f"{block.name}: {line}"
        elif words[0] == "python" and words[1].endswith(".py"):
            lay_what_is_named(words[2:], desk, store)
            run_script(words[1:])
        else:
            check_other(words, block.name)


def run_page(shown: list[Block], desk: Path, store: Store) -> dict[str, Any]:
    """Runs the blocks of a page in order: titled ones become files, Python ones share their names.

    Returns:
        What the Python blocks named.
    """
    names: dict[str, Any] = {"__name__": "page"}
    for block in shown:
        if block.title:
            (desk / block.title).parent.mkdir(parents=True, exist_ok=True)
            (desk / block.title).write_text(block.text)
        elif block.language == "python":
            lay_what_is_named(re.findall(r'"([^"\n]+)"', block.text), desk, store)
            exec(compile(block.text, block.name, "exec"), names)
        elif block.language in SHELL:
            run_shell(block, desk, store)
    return names


def shortened(words: list[str]) -> list[str]:
    """The same command, less long."""
    short = [SHORT.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    if words[0] == "label":
        short += ["--port", "0"]
    if words[0] == "topgan":
        short += ["--steps", "3", "--width", "2"]
    if words[:2] == ["reproduce", "topgan"]:
        return [*short, *STUDY]
    if words[0] == "reproduce" and "--only" not in words:
        short += FOLDS if "--folds" not in words else FOLDS[2:]
    return short


def run_script(words: list[str]) -> str:
    """Runs a script of a page by itself; where it does not import twincell, nothing else can either."""
    barred = "" if "import twincell" in Path(words[0]).read_text() else "sys.modules['twincell'] = None; "
    script = f"runpy.run_path({words[0]!r}, run_name='__main__')"
    code = f"import runpy, sys; {barred}sys.argv = {words!r}; {script}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def check_other(words: list[str], where: str) -> None:
    """What is no twincell: make's targets and pip's extras have to be there, anything else is refused."""
    if words[0] == "make":
        targets = words[1 : words.index("&&")] if "&&" in words else words[1:]
        subprocess.run(["make", "-n", *targets], cwd=ROOT, check=True, capture_output=True)
    elif words[:2] == ["pip", "install"]:
        check_pip(words[2:], where)
    else:
        pytest.fail(f"{where}: no test knows how to run {' '.join(words)!r}; give the block a reason")


def check_pip(words: list[str], where: str) -> None:
    """What pip is told to install: our wheel with extras there are, or packages that the project names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *(need for own in extras.values() for need in own)]
    named = {re.split(r"[>=<\[]", need)[0] for need in needs}
    with_value = {"--index-url", "-r", "-c"}
    wanted = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if not word.startswith("-") and before not in with_value
    ]
    for word in wanted:
        ours = re.fullmatch(r"\S*twincell\S*?\.whl(?:\[([\w,]+)\])?|twincell(?:\[([\w,]+)\])? @ \S+", word)
        if ours:
            asked = (ours[1] or ours[2] or "").split(",")
            assert {extra for extra in asked if extra} <= set(extras), f"{where}: no such extra in {word}"
        else:
            assert word.partition("==")[0] in named, f"{where}: {word} is no package of this project"


def make_short(patch: pytest.MonkeyPatch) -> None:
    """Every training takes two steps of four images, and the demo is the demo's toy."""
    parse = config.parse

    def short(*args: Any) -> Settings:
        settings = parse(*args)
        training = settings.training.model_copy(update={"steps": 2, "epochs": None, "precision": "float32"})
        synthetic = settings.synthetic.model_copy(
            update={"pool": min(8, settings.synthetic.pool), "tests": 6}
        )
        batch = settings.batch.model_copy(update={"size": 4})
        return settings.model_copy(update={"training": training, "synthetic": synthetic, "batch": batch})

    patch.setattr(config, "parse", short)
    patch.setattr(presets, "parse", short)
    patch.setattr("twincell.training.adaptation.scenes.DRAWN", 16)
    patch.setattr("twincell.training.adaptation.scenes.EFFORT", Effort(steps=(2,), batch=4))
    for name, value in (("TRIALS", 3), ("STAND_INS", 12), ("LEARNED_FROM", 8)):
        patch.setattr(f"twincell.reproduce.gap.{name}", value)
    toy = demo.Plan(frames=6, chambers=3, new_chambers=1, counted_every=6)
    patch.setattr(demo, "Plan", lambda: toy)
    patch.setattr("twincell.training.adaptation.selection.effort_for", lambda *_: Effort(steps=(2,)))
    patch.setattr(serve, "_announce", stop_at_once)
    nd2 = ModuleType("nd2")
    nd2.ND2File = NightNd2  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "nd2", nd2)


def stop_at_once(server: Any, *_: Any) -> None:
    """Stops the page of `twincell label` as soon as it answers."""
    while not server.started:
        threading.Event().wait(0.02)
    server.should_exit = True


class NightNd2:
    """What `nd2.ND2File` offers, over a field of two chambers in phase contrast."""

    def __init__(self, path: Path) -> None:
        self.pictures = np.stack(film(pc_field(), 6).frames)
        frames, height, width = self.pictures.shape
        self.sizes = {"T": frames, "Y": height, "X": width}
        self.metadata = SimpleNamespace(channels=[])
        self.experiment = [SimpleNamespace(type="TimeLoop", parameters=SimpleNamespace(periodMs=600_000))]

    def voxel_size(self) -> SimpleNamespace:
        return SimpleNamespace(x=0.65)

    def read_frame(self, place: int) -> np.ndarray:
        return self.pictures[place]

    def frame_metadata(self, place: int) -> SimpleNamespace:
        taken = SimpleNamespace(relativeTimeMs=1000.0 + 600_000 * place)
        return SimpleNamespace(channels=[SimpleNamespace(time=taken)])

    def close(self) -> None: ...
