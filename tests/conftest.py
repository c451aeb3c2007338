"""Small data sets that look like the real thing, and the real thing where it lies beside the checkout."""

import os

# Before torch is imported: pytest-xdist runs one worker per core, so each worker gets one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from pathlib import Path

import pytest

from helpers.make_published import make_published
from twincell.data.cho_k1 import import_cho_k1

REAL = Path(__file__).parents[2] / "shared" / "data" / "cho_k1"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder layout with small drawn images; do not change it."""
    return make_published(tmp_path_factory.mktemp("published") / "cho_k1")


@pytest.fixture(scope="session")
def imported(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest.csv and images, made from `published`; do not change it."""
    out = tmp_path_factory.mktemp("imported") / "cho"
    import_cho_k1(published, out, progress=False)
    return out


@pytest.fixture
def dataset(imported: Path, tmp_path: Path) -> Path:
    """A copy of `imported` to break on purpose."""
    return Path(shutil.copytree(imported, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def real_cho_k1() -> Path:
    """The published CHO-K1 images; a test that asks for them carries the marker `real`."""
    if not REAL.is_dir():
        pytest.skip("the published CHO-K1 images are not beside the checkout, in ../shared/data/cho_k1")
    return REAL


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of tiny chambers, every second frame counted, and drawn images; do not change it."""
    from helpers.training_toys import write_toy_data

    return write_toy_data(tmp_path_factory.mktemp("toys"))
