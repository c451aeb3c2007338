"""Counter-based random numbers: a number depends only on what it is for, never on how many were drawn before.

Every draw is a hash of (seed, id of the image, name of the use, position in the drawn array). So image i is
the same in a batch of one or of a thousand, on any device, and a new use of chance elsewhere changes nothing
here.
"""

import math
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

Range = tuple[float, float]

_GOLDEN = -1640531527
"""2**32 / golden ratio as a signed 32-bit number: spreads consecutive counters."""
_MIX = (0x7FEB352D, -2073319797)
"""Multipliers of the `lowbias32` hash (0x7feb352d, 0x846ca68b)."""


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical right shift of signed 32-bit integers."""
    return (x >> bits) & ((1 << (32 - bits)) - 1)


def _mix(x: Tensor) -> Tensor:
    """One round of the lowbias32 hash over int32."""
    x = (x ^ _shift(x, 16)) * _MIX[0]
    x = (x ^ _shift(x, 15)) * _MIX[1]
    return x ^ _shift(x, 16)


def _fold(value: int) -> int:
    """Any integer as a signed 32-bit one, high bits folded in."""
    value ^= value >> 32
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


class Draws:
    """Random tensors for a batch of images.

    Args:
        seed: the user's seed.
        ids: (N,) int64, one number per image; equal ids draw equal numbers.
        frames: (N,) int64, where the images are frames of one recording: `per_frame` depends on them.
    """

    def __init__(self, seed: int, ids: Tensor, frames: Tensor | None = None) -> None:
        self.seed = seed
        self.ids = ids
        self.device = ids.device
        low = (ids & 0x7FFFFFFF).to(torch.int32)
        high = (ids >> 31).to(torch.int32)
        self._keys = (_mix(_mix(low ^ _fold(seed)) + high), _mix(_mix(low + _fold(seed * 7919 + 1)) ^ high))

        self.frames = frames

    @property
    def per_frame(self) -> "Draws":
        """Draws of this very moment: in a recording they change from frame to frame, else they are these."""
        if self.frames is None:
            return self
        return Draws(self.seed + 1, self.ids * 1_000_003 + self.frames)

    def _hash(self, use: str, shape: Sequence[int]) -> Tensor:
        count = math.prod(shape)
        name = zlib.crc32(use.encode())
        key = self._keys[0] * _fold(name | 1)  # an odd factor: no two images share a key for any use
        second = self._keys[1] ^ _fold(name)
        counter = torch.arange(count, device=self.device, dtype=torch.int32) * _GOLDEN
        x = (_mix(counter[None] + key[:, None]) ^ second[:, None]) * _MIX[0]
        return (x ^ _shift(x, 15)).reshape(len(self.ids), *shape)

    def uniform(self, use: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(N, *shape) float32, uniform in [low, high)."""
        x = _shift(self._hash(use, shape), 8).to(torch.float32) * (1.0 / (1 << 24))
        return x if (low, high) == (0.0, 1.0) else low + x * (high - low)

    def between(self, use: str, limits: Range, *shape: int) -> Tensor:
        """(N, *shape) float32, uniform between the two limits."""
        return self.uniform(use, *shape, low=limits[0], high=limits[1])

    def normal(self, use: str, *shape: int) -> Tensor:
        """(N, *shape) float32, standard normal (by the inverse distribution function)."""
        x = _shift(self._hash(use, shape), 8).to(torch.float32)
        return torch.erfinv((x + 0.5) * (2.0 / (1 << 24)) - 1.0) * 2**0.5

    def bernoulli(self, use: str, probability: float | Tensor, *shape: int) -> Tensor:
        """(N, *shape) bool, true with the given probability (a number or a broadcastable tensor)."""
        return self.uniform(use, *shape) < probability


def slow_drift(draws: Draws, use: str) -> Tensor:
    """(N,) a slow drift through the frames of a recording, between -1 and 1: two waves of 40 to 200 frames.

    Args:
        draws: with frames.
    """
    assert draws.frames is not None
    period, phase = draws.uniform(use + ".period", 2, low=40.0, high=200.0), draws.uniform(use + ".phase", 2)
    return torch.sin(2 * math.pi * (draws.frames[:, None] / period + phase)).mean(1)


class NotedDraws(Draws):
    """Draws that remember what each image drew for itself between two limits.

    Attributes:
        noted: (N,) numbers by what they are for; those that every cell draws are left out.
    """

    def __init__(self, seed: int, ids: Tensor) -> None:
        super().__init__(seed, ids)
        self.noted: dict[str, Tensor] = {}

    def between(self, use: str, limits: Range, *shape: int) -> Tensor:
        """As `Draws.between`."""
        values = super().between(use, limits, *shape)
        if math.prod(shape) == 1:
            self.noted[use] = values.reshape(-1)
        return values
