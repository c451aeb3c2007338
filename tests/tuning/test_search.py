"""How a search walks and when it gives a trial up, on problems whose answers are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.storages.journal import JournalFileBackend

from twincell.errors import UserError
from twincell.presets import load_preset
from twincell.tuning import search as at_work
from twincell.tuning.coordinate import key_of, walk
from twincell.tuning.objective import Report, Score, pooled
from twincell.tuning.results import Found, found
from twincell.tuning.search import Plan, work
from twincell.tuning.space import Parameter, Space, read_space
from twincell.tuning.study import LOCK, Search, Waiting

PRESET = load_preset("best")
RATE = Parameter("rate", (0.01, 0.1, 1, 10), "log", 1, True, {"training.learning_rate": 1e-3})
CROP = Parameter("crop", (0.8, 0.9, 1.0), "linear", 1.0, False, {"augment.crop": 1.0})
SPACE = Space((RATE, CROP))

Error = Callable[[dict[str, Any]], float]


def bowl(point: dict[str, Any]) -> float:
    """Least, 0, at a rate of 0.1 and a crop of 0.9; the best crop depends on the rate."""
    import math

    rate, crop = math.log10(point["rate"]) + 1, 10 * (point["crop"] - 0.9)
    return rate**2 + crop**2 + 0.5 * rate * crop


def walked(error: Error) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Where coordinate search ends, and what it looked at in order."""
    known: dict[tuple[Any, ...], float] = {}
    seen = []
    while opened := walk(SPACE, known).open:
        seen.append(opened[0])
        known[key_of(SPACE, opened[0])] = error(opened[0])
    return walk(SPACE, known).best, seen


def test_coordinate_search_goes_round_until_nothing_changes() -> None:
    best, seen = walked(bowl)
    assert best == {"rate": 0.1, "crop": 0.9}
    assert seen[0] == {"rate": 1, "crop": 1.0}  # the preset
    assert [p["crop"] for p in seen[:4]] == [1.0] * 4  # first the rate alone
    assert len({key_of(SPACE, p) for p in seen}) == len(seen) <= 12  # nothing twice


def test_coordinate_search_keeps_the_preset_where_nothing_is_better() -> None:
    assert walked(lambda point: 1.0)[0] == SPACE.own


def test_coordinate_search_passes_over_what_failed() -> None:
    best, _ = walked(lambda point: float("inf") if point["rate"] == 0.1 else bowl(point))
    assert best["rate"] == 1 or best["rate"] == 0.01


def by_formula(error: Error, told: list[float]) -> Callable[..., Score]:
    """`measure` with known answers: a curve of four rungs that falls to the error."""

    def measure(
        settings: Any, divisions: Any, folder: Path, seed: int, rungs: int, report: Report, deadline: Any
    ) -> Score:
        point = {"rate": settings.training.learning_rate / 1e-3, "crop": settings.augment.crop}
        for rung in range(1, 5):
            report(rung, error(point) + 4 - rung)
        told.append(error(point))
        return Score(10, error(point), 0.0, 0.0, 1.0, 1)

    return measure


def searched(
    out: Path, monkeypatch: pytest.MonkeyPatch, trials: int, error: Error = bowl, method: str = "tpe"
) -> Found:
    monkeypatch.setattr(at_work, "measure", by_formula(error, []))
    out.mkdir()
    search = Search(out, None, "tune", SPACE, method, 0, {"method": method})
    work(search, SPACE, Plan(PRESET, [None], 0, 4, trials, None), lambda line: None, lambda line: None)
    return found(search.trials, SPACE, PRESET)


def test_tpe_finds_the_bowl_and_stops_poor_trials_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = searched(tmp_path / "out", monkeypatch, 40)
    assert results.best is not None
    assert results.best["mae"] < 0.1 < bowl(SPACE.own)
    stopped = [row for row in results.rows if row["state"] == "stopped early"]
    assert 5 < len(stopped) < 35
    assert all(row["last_mae"] > results.best["mae"] for row in stopped)
    assert all(0.01 <= row["rate"] <= 10 and 0.8 <= row["crop"] <= 1.0 for row in results.rows)


def test_the_same_seed_gives_the_same_proposals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = searched(tmp_path / "a", monkeypatch, 15).rows
    assert searched(tmp_path / "b", monkeypatch, 15).rows == first
    assert len({row["rate"] for row in first}) == 15


def test_the_papers_search_stops_no_trial_and_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = searched(tmp_path / "out", monkeypatch, 100, method="coordinate")
    assert {row["state"] for row in results.rows} == {"finished"}
    assert len(results.rows) < 12
    assert results.best is not None
    assert (results.best["rate"], results.best["crop"]) == (0.1, 0.9)


def test_a_trial_that_diverges_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = searched(
        tmp_path / "out", monkeypatch, 8, lambda p: float("nan") if p["rate"] > 1 else bowl(p), "coordinate"
    )
    assert {row["state"] for row in results.rows if row["rate"] == 10} == {"stopped early"}
    assert results.best is not None
    assert results.best["rate"] == 0.1


def test_a_trial_in_work_is_not_taken_by_another(tmp_path: Path) -> None:
    space = Space((CROP,))
    one = Search(tmp_path, None, "tune", space, "coordinate", 0, {})
    with one.turn(None) as mine:
        assert mine is not None
        assert mine.trial.params == {"crop": 1.0}
        other = Search(tmp_path, None, "tune", space, "coordinate", 0, {})
        with pytest.raises(Waiting), other.turn(None):
            pass
        with other.turn(1) as nothing:  # one trial is what was asked for
            assert nothing is None
    with other.turn(1) as left:  # its owner is gone: it is gone on with
        assert left is not None
        assert left.trial.number == 0


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("method", ["coordinate", "tpe"])
def test_a_search_killed_at_any_record_trains_no_point_twice(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, left, trained = JournalFileBackend.append_logs, [10**6], []
    monkeypatch.setattr(at_work, "measure", by_formula(bowl, trained))

    def append(self: Any, logs: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        journal(self, logs)

    def go_on(out: Path) -> Found:
        space = Space((CROP,))
        search = Search(out, None, "tune", space, method, 0, {})
        work(search, space, Plan(PRESET, [None], 0, 4, 3, None), lambda line: None, lambda line: None)
        return found(search.trials, space, PRESET)

    monkeypatch.setattr(JournalFileBackend, "append_logs", append)
    (tmp_path / "whole").mkdir()
    whole = [row["crop"] for row in go_on(tmp_path / "whole").rows]
    records, kills = 10**6 - left[0], 0
    for kill in range(records):
        out = tmp_path / str(kill)
        out.mkdir()
        trained.clear()
        left[0] = kill
        with pytest.raises(Killed):
            go_on(out)
        left[0] = 10**6
        rows = go_on(out).rows
        assert [row["crop"] for row in rows if row["state"] == "finished"] == whole, kill
        assert len(trained) <= len(whole) + 1  # what was trained and not told yet; its folds are read back
        kills += 1
    assert kills > 20


def test_a_trial_cut_off_before_it_began_is_tried_again(tmp_path: Path) -> None:
    space = Space((CROP,))
    one = Search(tmp_path, None, "tune", space, "coordinate", 0, {})
    with one.turn(None) as mine:
        assert mine is not None
        mine.folder.joinpath(LOCK).unlink()
        mine.folder.rmdir()  # as if its process had been killed before it made the folder
    with Search(tmp_path, None, "tune", space, "coordinate", 0, {}).turn(None) as again:
        assert again is not None
        assert (again.trial.number, again.trial.params) == (1, mine.trial.params)


def test_folds_are_pooled_by_their_frames() -> None:
    both = pooled([Score(30, 1.0, 10.0, 50.0, 5.0, 100), Score(10, 0.2, 2.0, 90.0, 7.0, 100)])
    assert both == Score(40, pytest.approx(0.8), pytest.approx(8.0), pytest.approx(60.0), 12.0, 200)


def test_starts_of_another_method_are_found_before_any_trial(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("begin: {set: start, values: [any, cho-pc]}")
    with pytest.raises(
        UserError, match="value 'cho-pc': start cho-pc: its method is density_network"
    ) as caught:
        read_space(load_preset("compact"), path)
    assert len(caught.value.problems) == 2


def test_another_start_is_left_altogether_unless_the_space_says_how_far() -> None:
    begin = Parameter("begin", ("any", "mine"), None, "any", False, {"start": "any"})
    share = Parameter("share", (0.5, 0.2), None, 0.5, False, {"training.start_share": 0.5})
    assert Space((begin,)).changes({"begin": "any"}) == {}
    assert Space((begin,)).changes({"begin": "mine"}) == {"start": "mine", "training.start_share": 0.0}
    asked = Space((begin, share)).changes({"begin": "mine", "share": 0.2})
    assert asked == {"start": "mine", "training.start_share": 0.2}


def test_the_best_start_is_the_one_that_the_tuned_preset_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    begin = Parameter("begin", ("a", "b"), None, "a", False, {"start": "a"})
    for best in ("a", "b"):
        rows = [{"number": 0, "state": "finished", "mae": 1.0, "begin": best}]
        tuned = Found(Space((begin,)), PRESET.changed({"start": "a"}), rows).tuned()
        assert tuned is not None
        assert tuned.start == str(tmp_path / best)


def test_factors_multiply_what_the_preset_has() -> None:
    moved = PRESET.changed(
        {"transfer": {"scheme": "full"}, "training.steps": 601, "augment.noise": [0, 0.01]}
    )
    space = read_space(moved)
    changed = space.changes(
        {**space.own, "training time": 0.5, "image noise": 2.0, "transfer scheme": "thaw"}
    )
    assert changed == {"training.steps": 300, "augment.noise": [0.0, 0.02], "transfer.scheme": "thaw"}
    assert moved.changed(changed).training.steps == 300
