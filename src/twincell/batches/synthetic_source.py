"""The synthetic half of a batch: drawn once, drawn anew for every step, or read from the manifest."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import functional as F

from twincell.config import Settings
from twincell.data.store import ImageStore
from twincell.data.window import frame
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.progress import track
from twincell.seeding import seed_for
from twincell.simulate import synthesise
from twincell.simulate.backgrounds import backgrounds
from twincell.simulate.clean_backgrounds import Density
from twincell.simulate.preset_files import preset_names

CHUNK = 256
"""Images drawn at once into the pool: enough to work in one go, few enough for memory and a moving bar."""
POOL, FRESH = 10, 11  # streams of chance


@dataclass(frozen=True)
class Drawn:
    """Synthetic images with their truth.

    Attributes:
        images: (n, 1, H, W) float32 in [0, 1].
        counts: (n,) float32, cells.
        centres: (n, K, 2) float32, x and y in pixels (the first pixel spans 0 to 1), NaN where there is no
            cell; None where not known.
        radius: (n,) float32, pixels, geometric mean of the cells of each image, NaN where it has none; None
            where not known.
    """

    images: Tensor
    counts: Tensor
    centres: Tensor | None
    radius: Tensor | None = None


class Source(Protocol):
    """Where synthetic images come from. `size`: how many different ones there are, or make up an epoch."""

    size: int

    def take(self, step: int, n: int, generator: torch.Generator) -> Drawn:
        """n images for a step; `generator` decides which."""
        ...


class Pool:
    """A fixed set, kept as bytes, drawn from with replacement."""

    def __init__(
        self, images: Tensor, counts: Tensor, centres: Tensor | None, radius: Tensor | None = None
    ) -> None:
        self._images, self._counts, self._centres, self._radius = images, counts, centres, radius
        self.size = len(images)

    def take(self, step: int, n: int, generator: torch.Generator) -> Drawn:
        """n images chosen by the generator."""
        index = torch.randint(self.size, (n,), generator=generator).to(self._images.device)
        centres = None if self._centres is None else self._centres[index]
        radius = None if self._radius is None else self._radius[index]
        return Drawn(self._images[index].float() / 255, self._counts[index], centres, radius)


class Fresh:
    """New images for every step, in equal parts from each renderer preset."""

    def __init__(
        self,
        presets: Sequence[str],
        backgrounds: Sequence[Tensor | None],
        seed: int,
        size: int,
        device: torch.device,
    ) -> None:
        self._presets, self._backgrounds, self._seed, self._device = presets, backgrounds, seed, device
        self.size = size

    def take(self, step: int, n: int, generator: torch.Generator) -> Drawn:
        """The n images of this step, which no other step has."""
        return draw(self._presets, self._backgrounds, n, seed_for(self._seed, step, FRESH), self._device)


def drawn_source(
    store: ImageStore,
    settings: Settings,
    seed: int,
    device: torch.device,
    progress: bool = False,
    density: Density | None = None,
    kept: Path | None = None,
) -> Source:
    """The source that `settings.synthetic` names, over backgrounds of the store's natural images.

    `density` sees to it that these hold no cells, see `backgrounds`. Portions of a pool are kept in `kept`,
    where a folder is named, and read from there again: a run that goes on draws nothing twice.

    Raises:
        UserError: when the store lacks what the settings ask for.
    """
    synthetic = settings.synthetic
    if synthetic.source == "manifest":
        return _from_store(store, settings, device)
    natural = store.subset(store.natural)
    names, modalities = expand(synthetic.presets, sorted(set(natural.modalities)))
    grounds = [backgrounds(natural, synthetic.backgrounds, modality, density) for modality in modalities]
    grounds = [None if ground is None else ground.to(device) for ground in grounds]
    if synthetic.source == "fresh":
        return Fresh(names, grounds, seed, synthetic.pool, device)
    chunks = [min(CHUNK, synthetic.pool - start) for start in range(0, synthetic.pool, CHUNK)]
    pools = [
        _portion(kept, i, device, partial(draw, names, grounds, size, seed_for(seed, i, POOL), device))
        for i, size in enumerate(track(chunks, "drawing synthetic images", total=len(chunks), show=progress))
    ]
    return Pool(*(joined(parts) for parts in zip(*pools, strict=True)))


def _portion(
    kept: Path | None, number: int, device: torch.device, make: Callable[[], Drawn]
) -> tuple[Tensor, ...]:
    """A portion of the pool as bytes: read from `kept`, else drawn and kept there."""
    names = ("images", "counts", "centres", "radius")
    file = None if kept is None else kept / f"{number:04d}.safetensors"
    if file is not None:
        # One that is not there yet, or that a power cut damaged, is drawn.
        with contextlib.suppress(SafetensorError, OSError, KeyError):
            there = load(file.read_bytes())
            return tuple(there[name].to(device) for name in names)
    made = _as_bytes(make())
    if file is not None:
        parts = {name: part.cpu().contiguous() for name, part in zip(names, made, strict=True)}
        write_atomic(file, save(parts))
    return made


def draw(
    presets: Sequence[str], grounds: Sequence[Tensor | None], n: int, seed: int, device: torch.device
) -> Drawn:
    """n images, as many from each preset as division allows.

    The first two presets share their scenes, as the models of release 0.1.0 learned them; every further one
    has scenes of its own, so that a name given twice gives twice as many.
    """
    shares = [n // len(presets) + (i < n % len(presets)) for i in range(len(presets))]
    made = [
        synthesise(preset, share, seed + max(k - 1, 0), backgrounds=ground, device=device)
        for k, (preset, ground, share) in enumerate(zip(presets, grounds, shares, strict=True))
        if share
    ]
    return Drawn(
        torch.cat([part.images for part in made]),
        torch.cat([part.counts for part in made]).float(),
        joined([part.centres for part in made]),
        torch.cat([part.radii.log().nanmean(1).exp() for part in made]),
    )


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Tensors behind one another; NaN fills where some have room for fewer cells (n, K, 2) than others."""
    if parts[0].ndim < 3 or parts[0].shape[-1] != 2:
        return torch.cat(list(parts))
    most = max(part.shape[1] for part in parts)
    return torch.cat([F.pad(part, (0, 0, 0, most - part.shape[1]), value=torch.nan) for part in parts])


def expand(presets: Sequence[str], modalities: Sequence[str]) -> tuple[list[str], list[str | None]]:
    """Preset names with `{modality}` filled in once for each modality, and the modality of each (None: any).

    Raises:
        UserError: when a name is not a renderer preset, for example for a modality that none is made for.
    """
    named: list[tuple[str, str | None]] = []
    for preset in presets:
        if "{modality}" in preset:
            named += [(preset.replace("{modality}", modality), modality) for modality in modalities]
        else:
            named.append((preset, None))
    known = preset_names()
    faulty = [name for name, _ in named if name not in known]
    if faulty or not named:
        raise UserError(
            f"synthetic.presets: {', '.join(faulty) or 'no natural image gives a modality, so nothing'} "
            f"cannot be drawn; name some of {', '.join(known)} with --set 'synthetic.presets=[...]'"
        )
    return [name for name, _ in named], [modality for _, modality in named]


def in_view(points: Tensor, size: int) -> Tensor:
    """(n, K) bool: which places (n, K, 2) lie inside an image of side `size`; NaN does not."""
    return ((points >= 0) & (points < size)).all(-1)


def density_of(centres: Tensor, side: int, sigma: float, size: int) -> Tensor:
    """Density maps (n, 1, side, side) in which each cell in view sums to 1.

    Args:
        centres: (n, K, 2) x, y in image pixels; NaN or out of view = not in the map.
        side: elements along each side of the map.
        sigma: standard deviation of one cell in image pixels; 0 puts a cell into the one element it lies in.
        size: side of the image in pixels.
    """
    inside = in_view(centres, size)
    at = torch.where(inside[..., None], centres * (side / size), 0.0)
    grid = torch.arange(side, device=centres.device, dtype=torch.float32)
    if sigma > 0:
        along = torch.exp(-0.5 * ((grid + 0.5 - at[..., None]) / (sigma * side / size)) ** 2)
    else:
        along = (grid == at.floor()[..., None]).float()
    # Normalised along each axis: a cell at the edge keeps its sum of 1 inside the map.
    along = along / along.sum(-1, keepdim=True).clamp_min(1e-12)
    across, down = along[:, :, 0] * inside[..., None], along[:, :, 1]
    return torch.einsum("nky,nkx->nyx", down, across)[:, None]


def _as_bytes(drawn: Drawn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    assert drawn.centres is not None
    assert drawn.radius is not None
    return (drawn.images * 255).round().to(torch.uint8), drawn.counts, drawn.centres, drawn.radius


def _from_store(store: ImageStore, settings: Settings, device: torch.device) -> Source:
    index = (~store.natural) & ~store.counts.isnan()
    if not index.any():
        raise UserError(
            "synthetic.source manifest: it has no counted row with origin synthetic in its train split; "
            "add some (twincell synth) or set synthetic.source=pool"
        )
    drawn = store.subset(index)
    known = bool(drawn.placed.all())
    if (settings.batch.density or settings.synthetic.recount) and not known:
        raise UserError(
            "synthetic.source manifest: images read back have no cell positions, which batch.density and "
            "synthetic.recount need; add their points.csv, or set synthetic.source=pool or fresh"
        )
    side = settings.batch.window
    framed = frame(drawn.images, drawn.sizes, drawn.points, drawn.spec, side)
    counts = in_view(framed.points, side).sum(1).float() if known else drawn.counts
    as_bytes = (framed.images * 255).round().to(torch.uint8)
    return Pool(as_bytes.to(device), counts.to(device), framed.points.to(device) if known else None)
