"""The paper's search (3.2): one parameter after the other, each at its best value so far, and round again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twincell.tuning.space import Point, Space

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Walk:
    """How far a search has come.

    Attributes:
        best: the best point so far.
        open: points that have to be known before it goes on; none when it is over.
    """

    best: Point
    open: tuple[Point, ...]


def key_of(space: Space, point: Mapping[str, Any]) -> Key:
    """A point as a dictionary's key."""
    return tuple(point[parameter.name] for parameter in space.parameters)


def walk(space: Space, known: Mapping[Key, float]) -> Walk:
    """Follows the search from the preset as far as errors are known.

    It depends on the known errors alone, so that any process can take it up at any time. It ends when a whole
    round over the parameters has changed nothing.

    Args:
        space: parameters and their values; those on a scale are tried at the listed values too.
        known: errors by `key_of`; inf where a point failed.
    """
    best = space.own
    if key_of(space, best) not in known:
        return Walk(best, (best,))
    while True:
        start = best
        for parameter in space.parameters:
            # The value in hand comes first: of equal errors the one that changes nothing wins.
            here = [best, *({**best, parameter.name: value} for value in parameter.values)]
            unknown = [point for point in here if key_of(space, point) not in known]
            if unknown:
                return Walk(_least(space, here, known), tuple(unknown))
            best = _least(space, here, known)
        if best == start:
            return Walk(best, ())


def _least(space: Space, points: list[Point], known: Mapping[Key, float]) -> Point:
    return min(points, key=lambda point: known.get(key_of(space, point), math.inf))
