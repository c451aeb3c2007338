"""The pieces of training: schedules, the teacher, the choice of images, the live record."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.grey_method import Grey, GreyTask
from helpers.training_toys import toy_settings, toy_store, write_toy_data
from twincell.batches.pseudo_labels import teach
from twincell.config import TeacherSettings, TrainingSettings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.hardware import device_name, has_bfloat16
from twincell.models.base.schedule import factor
from twincell.models.base.task import _approach
from twincell.training.history import History
from twincell.training.run_data import choose_rows, load_run_data
from twincell.training.run_dir import RunIdentity, changes, check_run_dir, read_settings, start_run_dir


def rates(steps: int, **training: object) -> list[float]:
    settings = TrainingSettings(steps=steps, **training)  # type: ignore[arg-type]
    return [factor(settings, step, steps) for step in range(steps)]


def test_constant_and_its_ramp() -> None:
    assert rates(4) == [1, 1, 1, 1]
    assert rates(8, warmup=0.5) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]


def test_cosine_is_half_a_wave_after_the_ramp() -> None:
    found = rates(12, schedule="cosine", warmup=2 / 12)
    assert found[:2] == [0.5, 1]
    assert found[2:] == pytest.approx([0.5 * (1 + math.cos(math.pi * i / 10)) for i in range(10)])


def test_one_cycle_is_torchs() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    peer = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=50, pct_start=0.3)
    expected = []
    for _ in range(50):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        peer.step()
    assert rates(50, schedule="one-cycle", warmup=0.3) == pytest.approx(expected, abs=1e-9)


def test_one_cycle_without_a_rise_starts_at_its_top() -> None:
    found = rates(10, schedule="one-cycle")
    assert found[0] == pytest.approx(1, abs=0.05)
    assert found == sorted(found, reverse=True)


def timeline(counts: dict[int, float], frames: int = 12) -> ImageStore:
    store = toy_store(natural=frames, synthetic=1)
    known = torch.full((frames + 1,), torch.nan)
    for frame, count in counts.items():
        known[frame] = count
    known[-1] = 7.0
    return ImageStore(
        store.images,
        known,
        store.natural,
        ["a"] * frames + ["drawn"],
        torch.arange(frames + 1),
        store.modalities,
    )


def test_the_teacher_interpolates_between_counted_frames_only() -> None:
    taught = teach(timeline({2: 4.0, 6: 8.0}), TeacherSettings(kind="time", weight=0.5, decay=0.1))
    assert taught is not None
    targets, weights = taught
    assert targets[2:7].tolist() == [4, 5, 6, 7, 8]
    assert weights[2:7].tolist() == pytest.approx([1, 0.5 / 1.1, 0.5 / 1.2, 0.5 / 1.1, 1])
    outside = [0, 1, *range(7, 12)]
    assert targets[outside].isnan().all()
    assert not weights[outside].any()
    assert (targets[-1], weights[-1]) == (7.0, 1.0)


def test_the_teacher_trusts_less_where_many_cells_were_born_between() -> None:
    def weights(births: float) -> list[float]:
        settings = TeacherSettings(kind="time", weight=0.5, decay=0, births=births)
        taught = teach(timeline({2: 4.0, 6: 8.0, 8: 8.0}), settings)
        assert taught is not None
        return taught[1][2:9].tolist()

    # Four cells gained at times of their own: the variance a quarter of the way is 4 * 1/4 * 3/4.
    assert weights(0) == pytest.approx([1, 0.5, 0.5, 0.5, 1, 0.5, 1])
    assert weights(2) == pytest.approx([1, 0.5 / 2.5, 0.5 / 3, 0.5 / 2.5, 1, 0.5, 1])


def test_the_teacher_needs_two_counted_frames_and_can_be_off() -> None:
    taught = teach(timeline({3: 4.0}), TeacherSettings(kind="time"))
    assert taught is not None
    assert int((taught[1] > 0).sum()) == 2  # the counted frame and the synthetic image
    assert teach(timeline({2: 4.0, 6: 8.0}), TeacherSettings()) is None


def table(**splits: int) -> Manifest:
    rows = [
        {"image": f"{i}.png", "count": 3.0 if i % 2 else np.nan, "split": split, "modality": "pc",
         "origin": "natural", "chamber": f"c{i % 5}", "frame": i}
        for i, split in enumerate([name for name, n in splits.items() for _ in range(n)])
    ]  # fmt: skip
    return Manifest(pd.DataFrame(rows), Path("nowhere"))


def test_rows_of_split_val_are_validated_on_where_there_are_any() -> None:
    train, validation, how = choose_rows(table(train=20, val=6, test=4), toy_settings(), 0)
    assert train.nonzero()[0].tolist() == list(range(20))
    assert validation.nonzero()[0].tolist() == [21, 23, 25]  # labelled ones
    assert "3 rows of split val" in how


def test_else_whole_chambers_are_kept_aside_by_seed() -> None:
    manifest = table(train=40)
    chambers = manifest.table["chamber"].to_numpy()
    train, validation, how = choose_rows(manifest, toy_settings(), 0)
    aside = set(chambers[~train])
    assert len(aside) == 1
    assert set(chambers[validation]) == aside
    assert not aside & set(chambers[train])
    assert manifest.labelled[validation].all()
    assert aside.pop() in how
    assert {tuple(choose_rows(manifest, toy_settings(), seed)[0]) for seed in range(8)} != {tuple(train)}


@pytest.mark.parametrize("kind", ["rows", "none"])
def test_no_chamber_is_kept_aside_unasked(kind: str) -> None:
    train, validation, how = choose_rows(table(train=40), toy_settings(training__validation=kind), 0)
    assert train.all()
    assert not validation.any()
    assert how == "no validation"


def test_nothing_to_learn_from_is_said_before_work_starts() -> None:
    with pytest.raises(UserError, match="no row of split train"):
        load_run_data(table(test=5), toy_settings(), 0)
    manifest = table(train=6)
    manifest.table["count"] = np.nan
    with pytest.raises(UserError, match="nothing to learn from"):
        load_run_data(manifest, toy_settings(), 0)


def test_validation_images_are_the_files_untouched(tmp_path: Path) -> None:
    manifest = Manifest.read(write_toy_data(tmp_path))
    _, validation, _ = choose_rows(manifest, toy_settings(), 0)
    data = load_run_data(manifest, toy_settings(), 0, progress=False)
    assert data.kept_aside is not None
    assert torch.equal(
        data.kept_aside.images, ImageStore.load(manifest.select(validation), progress=False).images
    )


def test_a_folder_refuses_another_run(tmp_path: Path) -> None:
    settings, identity = toy_settings(), RunIdentity("data", "f" * 64, 1)
    check_run_dir(tmp_path / "run", settings, identity, resume=False)
    assert not (tmp_path / "run").exists()
    start_run_dir(tmp_path / "run", settings, identity)
    assert read_settings(tmp_path / "run") == settings
    check_run_dir(tmp_path / "run", settings, identity, resume=True)
    with pytest.raises(UserError, match="holds files already"):
        check_run_dir(tmp_path / "run", settings, identity, resume=False)
    with pytest.raises(UserError) as raised:
        check_run_dir(
            tmp_path / "run", toy_settings(training__steps=99), RunIdentity("data", "0" * 64, 2), resume=True
        )
    text = "\n".join(raised.value.problems)
    assert all(words in text for words in ("fingerprint", "seed 1", "training.steps was 12 and is 99"))
    with pytest.raises(UserError, match="is no run folder"):
        read_settings(tmp_path)


def test_changes_between_settings_are_named() -> None:
    assert changes(toy_settings(), toy_settings()) == []
    (line,) = changes(toy_settings(), toy_settings(augment__flips=False))
    assert line.startswith("augment.flips was True and is False now")


def test_the_running_average_leaves_equal_weights_exactly_equal() -> None:
    network, average = torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)
    average.load_state_dict(network.state_dict())
    for share in (0.9, 0.5, 0.1, 1 / 3):
        _approach(average, network, share)
        assert torch.equal(average.weight, network.weight)
    with torch.no_grad():
        network.weight += 1
    _approach(average, network, 0.25)
    assert torch.allclose(network.weight - average.weight, torch.tensor(0.75))


def test_rows_after_the_resumed_step_are_dropped_also_a_torn_one(tmp_path: Path) -> None:
    history = History(tmp_path, 2)
    history.path.write_text("step,seconds,loss,validation_mae\n2,1,5,\n4,2,4,1.5\n6,3,3,\n8,4")

    class Trainer:
        is_global_zero = True

    task = GreyTask(Grey(), toy_settings())
    task.steps_done = 4
    history.on_train_start(Trainer(), task)  # type: ignore[arg-type]
    with history.path.open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2", "4"]


def test_the_device_is_named() -> None:
    assert device_name(torch.device("cpu")).startswith("cpu (")
    assert isinstance(has_bfloat16(torch.device("cpu")), bool)
    assert not has_bfloat16(torch.device("meta"))
