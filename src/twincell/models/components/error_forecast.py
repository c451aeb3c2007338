"""How far a count is likely to be off, from what an image looks like to the network and to a ruler."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

QUANTILE = 0.8
"""Share of the errors that lie below what is forecast."""
LIMIT = 1.0
"""Error, in units of sqrt(count + 1) cells, that is scaled to 1: three cells where there are eight."""
LARGEST = 4.0
"""In the same units, the largest error that is told from larger ones."""
FARTHEST = 4.0
"""Standard deviations from the mean beyond which a feature says no more."""
WIDTH, STEPS, BATCH, RATE, DECAY, SHAKEN = 32, 400, 256, 8e-3, 0.1, 0.1
"""Hidden units; training steps, images a step, peak rate, weight decay; and noise added to features, in their
standard deviations: images are few, features many."""
MEASURES = 7
"""Numbers that `measured` gives."""


class ErrorForecast(nn.Module):
    """A small network from features of an image to a quantile of its count's error.

    Its weights are buffers: they are not trained with the counter but learned afterwards, and travel inside
    the model file. Before `learn` no error is expected.

    Args:
        features: how many numbers describe an image.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.centre: Tensor
        self.scale: Tensor
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        for name, value in _layers(features).state_dict().items():
            self.register_buffer(_buffer(name), torch.zeros_like(value))

    def forward(self, features: Tensor) -> Tensor:
        """(N, features) -> (N,) error hardly exceeded, in units of `LIMIT` * sqrt(count + 1) cells."""
        hidden = self._standard(features)
        for layer in (0, 2, 4):
            weight, bias = (getattr(self, _buffer(f"{layer}.{part}")) for part in ("weight", "bias"))
            hidden = F.linear(hidden if layer == 0 else hidden.tanh(), weight, bias)
        return hidden[:, 0].clamp(min=0) ** 2 / LIMIT

    def _standard(self, features: Tensor) -> Tensor:
        return ((features - self.centre) / self.scale).clamp(-FARTHEST, FARTHEST)

    @torch.inference_mode(False)
    @torch.enable_grad()
    def learn(self, features: Tensor, errors: Tensor, seed: int = 0) -> None:
        """Minimises the pinball loss of the errors' square roots (quantile regression, Koenker 1978).

        Args:
            features: (N, features) of N images.
            errors: (N,) of their counts, in units of sqrt(count + 1) cells.
            seed: of weights and batches.
        """
        known, wanted = features.float().clone(), errors.float().clone().clamp(max=LARGEST).sqrt()
        self.centre.copy_(known.mean(0))
        self.scale.copy_(known.std(0).clamp_min(1e-6))
        known = self._standard(known).clone()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = _layers(known.shape[1])
            optimizer = torch.optim.AdamW(layers.parameters(), RATE, weight_decay=DECAY)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
            for _ in range(STEPS):
                chosen = torch.randint(0, len(known), (BATCH,))
                found = layers(known[chosen] + SHAKEN * torch.randn(BATCH, known.shape[1]))[:, 0]
                missed = wanted[chosen] - found
                optimizer.zero_grad()
                torch.maximum(QUANTILE * missed, (QUANTILE - 1) * missed).mean().backward()
                optimizer.step()
                schedule.step()
        for name, value in layers.state_dict().items():
            getattr(self, _buffer(name)).copy_(value)


def _layers(features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1)
    )


def _buffer(name: str) -> str:
    return "layer_" + name.replace(".", "_")


def measured(images: Tensor) -> Tensor:
    """(N, 1, H, W) in [0, 1] -> (N, 7): brightness, share of clipped pixels, log energy in five octaves.

    Blur, noise, contrast, compression and magnification each move the octaves, finest first, differently.
    """
    mean, clipped = images.mean((1, 2, 3)), ((images <= 0) | (images >= 1)).float().mean((1, 2, 3))
    octaves, finer = [], images
    for _ in range(5):
        coarser = F.avg_pool2d(finer, 2, ceil_mode=True)
        blocks = F.interpolate(coarser, size=finer.shape[-2:], mode="nearest")
        octaves.append(((finer - blocks) ** 2).mean((1, 2, 3)).add(1e-8).log())
        finer = coarser
    return torch.stack([mean, clipped, *octaves], 1)
