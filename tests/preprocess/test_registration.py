"""Drift, rotation, brightness and chambers of simulated recordings against the truth they were drawn with."""

from dataclasses import dataclass

import numpy as np
import pytest

from helpers.field_simulator import Field, eight_bit, twelve_bit
from helpers.recording_toys import Film, bf_field, film, in_memory, pc_field
from twincell.preprocess.chambers.framing import framing_for
from twincell.preprocess.chambers.layout import Layout, Wanted, first_look, orientation_hints
from twincell.preprocess.frames import FrameResult, treat_frame
from twincell.preprocess.quality_control import Seen
from twincell.preprocess.registration.registration import Motion
from twincell.preprocess.registration.rotation import rotation_angle

FRAMES = 18


@dataclass
class Case:
    """A film, what was found at first look, and every frame's result."""

    film: Film
    layout: Layout
    results: list[FrameResult]

    @property
    def field(self) -> Field:
        return self.film.field


def treated(made: Film, wanted: Wanted) -> Case:
    recording = in_memory(made.frames)
    layout = first_look(recording, wanted)
    seen, last, results = Seen(), Motion(), []
    for i in range(len(recording)):
        results.append(treat_frame(recording, layout, i, last, seen))
        last = results[-1].motion or last
    return Case(made, layout, results)


CASES = {
    "bf 1x3": lambda: film(bf_field(1, 3, 2.3, 3), FRAMES, 1, (9,), [(6, 1.4)]),
    "bf 2x2 crowded": lambda: film(bf_field(2, 2, -1.2, 4, cells=16), FRAMES, 2, (5, 13), [(8, 0.6)]),
    "pc 2x2": lambda: film(pc_field(2, 2, -3.1, 5), FRAMES, 3, (12,), [(6, 0.7), (14, 1.8)]),
    "pc 1x2 crowded, 12 bit": lambda: film(
        pc_field(1, 2, 4.7, 6, cells=18), FRAMES, 4, (10,), [(4, 1.25)], twelve_bit
    ),
    "bf one chamber, level, noisy": lambda: film(bf_field(1, 1, 0.0, 7, noise=0.03), FRAMES, 5),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    made = CASES[request.param]()
    return treated(made, Wanted(framing_for(None, made.field.modality)))


def test_every_frame_is_used(case: Case) -> None:
    assert [(r.fault, r.detail) for r in case.results if r.fault] == []
    assert [r.number for r in case.results if r.flag or r.hidden or r.lost] == []
    assert all(len(r.crops) == len(case.field.boxes) for r in case.results)


def test_drift_is_recovered_within_three_tenths_of_a_pixel(case: Case) -> None:
    """The reference's own place is free: what counts is how frames lie against each other."""
    found = np.array([(r.motion.dx, r.motion.dy) for r in case.results if r.motion])
    error = found - case.film.drift
    error -= np.median(error, axis=0)
    assert np.abs(error).max() < 0.3
    assert np.sqrt((error**2).mean()) < 0.1


def test_rotation_is_recovered_within_two_tenths_of_a_degree(case: Case) -> None:
    assert case.layout.reference.angle == pytest.approx(case.field.angle, abs=0.2)


def test_all_chambers_are_found_where_they_are(case: Case) -> None:
    boxes = [c.box for c in case.layout.chambers]
    centres = case.layout.upright.to_reference(np.array([(b.x + b.w / 2, b.y + b.h / 2) for b in boxes]))
    # The reference lies where its middle sample lay: undo that to compare with the undrifted truth.
    motion = np.array([(r.motion.dx, r.motion.dy) for r in case.results if r.motion])
    centres += np.median(motion - case.film.drift, axis=0)
    truth = case.field.box_centres()
    assert len(boxes) == len(truth)
    far = np.linalg.norm(centres - truth, axis=1)
    assert far.max() < 2.0
    rim = 0.0 if case.field.modality == "bf" else 2.6  # found is the middle of a double wall
    for box in boxes:
        assert box.w == pytest.approx(case.field.width - rim, rel=0.05)
        assert box.h == pytest.approx(case.field.height - rim, rel=0.02)


def test_brightness_steps_are_measured_and_undone(case: Case) -> None:
    gain = np.array([r.gain for r in case.results])
    if case.film.frames[0].dtype == np.uint8:  # the 12-bit camera adds 100, which no lamp multiplies
        ratio = gain / case.film.gain
        assert ratio.max() / ratio.min() < 1.01
    for number in case.results[0].crops:
        level = [np.median(r.crops[number]) for r in case.results]
        assert max(level) - min(level) <= 4  # grey levels of 255, over steps of up to 80 %


def test_crops_stand_still(case: Case) -> None:
    """The walls of a chamber lie on the same pixels from first to last frame."""
    number = case.layout.chambers[0].number
    crops = np.stack([r.crops[number].astype(float) for r in case.results])
    median = np.median(crops, axis=0)
    edge = np.hypot(*np.gradient(median)) > 12
    scatter = 1.4826 * np.median(np.abs(crops - median), axis=0)
    slope = np.hypot(*np.gradient(median))
    assert np.median((scatter / np.maximum(slope, 1))[edge]) < 0.25  # px


@pytest.mark.parametrize("angle", [-40.0, -17.3, -0.35, 0.0, 0.8, 9.6, 31.0])
@pytest.mark.parametrize("modality", ["bf", "pc"])
def test_any_rotation_is_found_from_one_picture(angle: float, modality: str) -> None:
    make = bf_field if modality == "bf" else pc_field
    field = make(2, 3, angle, 11, gap=120.0)
    assert rotation_angle(field.frame(0)) == pytest.approx(angle, abs=0.2)


def test_a_frame_that_turns_by_itself_is_turned_back() -> None:
    """A knocked stage turns a little, too: each frame's own angle is fitted with its shift."""
    field = bf_field(1, 3, 1.0, 2)
    turns = [0.0, 0.0, 0.0, 0.0, 0.4, 0.4, -0.3]
    frames = [eight_bit(field.frame(t, (0.3 * t, -0.2 * t), turn=turn)) for t, turn in enumerate(turns)]
    recording = in_memory(frames)
    layout = first_look(recording, Wanted(framing_for(None, "bf")))
    found = [treat_frame(recording, layout, i, Motion(), Seen()).motion for i in range(len(turns))]
    angles = np.array([m.angle for m in found if m])
    assert np.abs(angles - angles[0] - np.array(turns)).max() < 0.1


def test_a_jump_of_forty_pixels_is_followed() -> None:
    field = bf_field(1, 3, 0.7, 8, gap=80.0)
    shifts = [(0.0, 0.0)] * 5 + [(39.4, -21.7)] * 2 + [(-3.3, 4.1)]
    frames = [eight_bit(field.frame(t, shift)) for t, shift in enumerate(shifts)]
    recording = in_memory(frames)
    layout = first_look(recording, Wanted(framing_for(None, "bf")))
    found = [treat_frame(recording, layout, i, Motion(), Seen()).motion for i in range(len(shifts))]
    moved = np.array([(m.dx, m.dy) for m in found if m])
    error = moved - np.array(shifts)
    assert np.abs(error - np.median(error, axis=0)).max() < 0.3


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_chambers_that_lie_on_their_side_are_stood_up(turn: int) -> None:
    """`--turn` brings the pillars to the top; without it the hint names the right turn."""
    made = film(bf_field(1, 2, 0.5, 9), 5)
    plain = treated(made, Wanted(framing_for(None, "bf")))
    made.frames = [np.ascontiguousarray(np.rot90(f, turn // 90)) for f in made.frames]  # anticlockwise
    stood = treated(made, Wanted(framing_for(None, "bf"), turn=turn))
    assert orientation_hints(stood.layout, Wanted(framing_for(None, "bf"), turn=turn)) == []
    wrong = Wanted(framing_for(None, "bf"), turn=(turn + 180) % 360)
    assert orientation_hints(stood.layout, wrong) == [
        f"the chambers' open side looks to lie elsewhere than at the top; try --turn {turn}"
    ]
    theirs = [np.median([r.crops[n] for r in plain.results], axis=0) for n in (1, 2)]
    for n in (1, 2):
        ours = np.median([r.crops[n] for r in stood.results], axis=0)
        assert max(np.corrcoef(ours.ravel(), one.ravel())[0, 1] for one in theirs) > 0.8


def test_chambers_of_unknown_shape_are_found_by_their_walls_alone() -> None:
    field = Field("bf", 1, 2, 130.0, 70.0, (180.0, 120.0), 1.5, 12)
    made = film(field, 5)
    found = treated(made, Wanted(framing_for("box", "bf")))
    assert len(found.layout.chambers) == 2
    assert found.layout.chambers[0].box.w == pytest.approx(130, abs=3)
