"""How well people agree, with each other and with themselves when asked again without knowing."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from twincell.label.answers import Answer
from twincell.report.markup import table
from twincell.report.page import Section

BLIND_ONLY = "answers given with the model's count in sight are left out"


@dataclass(frozen=True)
class Spread:
    """How two counts of the same frames differ.

    Attributes:
        who: "Anna again", or "Anna and Ben".
        pairs: frames counted twice.
        mean: of the absolute difference, cells.
        error: its standard error; NaN for one pair.
        same: share of pairs with the same count.
        one: standard deviation of one count around what the person would write on average, cells.
        relative: the same divided by sqrt(count + 1), the unit of the series' error model.
        bias: mean of second minus first, cells.
    """

    who: str
    pairs: int
    mean: float
    error: float
    same: float
    one: float
    relative: float
    bias: float


def within(answers: Iterable[Answer]) -> list[Spread]:
    """Each person against that person, asked again without knowing; then all together."""
    rounds: dict[tuple[str, str, int], list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.count is not None and answer.blind:
            rounds[answer.person, answer.image, answer.page].append(answer)
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (person, _, _), own in rounds.items():
        ordered = sorted(own, key=lambda answer: answer.round)
        pairs[person] += [(_count(a), _count(b)) for a, b in pairwise(ordered)]
    return _spreads({f"{person}, again": own for person, own in pairs.items()}, "everybody, again")


def between(answers: Iterable[Answer]) -> list[Spread]:
    """Each two people on the frames that both counted; then all together."""
    first: dict[tuple[str, int], dict[str, Answer]] = defaultdict(dict)
    for answer in answers:
        if answer.count is not None and answer.blind and answer.round == 0:
            first[answer.image, answer.page][answer.person] = answer
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for own in first.values():
        for a, b in combinations(sorted(own), 2):
            pairs[f"{a} and {b}"].append((_count(own[a]), _count(own[b])))
    return _spreads(pairs, "all pairs of people")


def _spreads(pairs: dict[str, list[tuple[int, int]]], together: str) -> list[Spread]:
    found = [spread(who, own) for who, own in pairs.items() if own]
    if len(found) > 1:
        found.append(spread(together, [pair for own in pairs.values() for pair in own]))
    return found


def spread(who: str, pairs: list[tuple[int, int]]) -> Spread:
    """The differences of counts (first, second) of the same frames."""
    values = np.array(pairs, float)
    apart = values[:, 1] - values[:, 0]
    size = np.abs(apart)
    unit = np.sqrt(values.mean(1) + 1)
    return Spread(
        who,
        len(pairs),
        float(size.mean()),
        float(size.std(ddof=1) / math.sqrt(len(pairs))) if len(pairs) > 1 else math.nan,
        float((size == 0).mean()),
        float(math.sqrt((apart**2).mean() / 2)),
        float(math.sqrt(((apart / unit) ** 2).mean() / 2)),
        float(apart.mean()),
    )


def agreement_section(answers: list[Answer]) -> Section | None:
    """The report's part on people; None where no frame was counted twice."""
    found = [*within(answers), *between(answers)]
    if not found:
        return None
    rows = [
        [
            s.who,
            str(s.pairs),
            f"{s.mean:.2f}" + ("" if math.isnan(s.error) else f" ± {s.error:.2f}"),
            f"{s.same:.0%}",
            f"{s.one:.2f}",
            f"{s.bias:+.2f}",
        ]
        for s in found
    ]
    head = [
        "who",
        "frames counted twice",
        "mean difference, cells",
        "the same",
        "one count ±, cells",
        "second - first",
    ]
    lead = (
        "Frames that were put before people a second time, hidden among new ones, or before two people; "
        f"{BLIND_ONLY}. No model can be held to more than people keep."
    )
    return Section("How good are the people?", lead, table(head, rows))


def _count(answer: Answer) -> int:
    assert answer.count is not None
    return answer.count
