"""SGAN: one discriminator that tells classes apart and real from made maps at once (Salimans et al. 2016)."""

import copy

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.gan.few import STREAM, FewSettings, _rows, settle
from twincell.gan.network import Classifier, Gan
from twincell.gan.views import turned
from twincell.seeding import generator_for

UNLABELLED = 8
"""Unlabelled and made maps of a step, each."""
BETAS = (0.5, 0.99)


def fit_sgan(
    start: Gan,
    images: Tensor,
    labels: Tensor,
    classes: int,
    unlabelled: Tensor,
    settings: FewSettings,
    seed: int,
) -> Classifier:
    """Trains a discriminator on labelled, unlabelled and made maps together.

    It starts from a GAN of the unlabelled maps, so that it has had the pre-training that TOP-GAN had; a
    discriminator from random weights would have seen far fewer maps than that.

    Args:
        start: the GAN; it is not changed.
        images: (N, 1, side, side) labelled maps in [-1, 1].
        labels: (N,) int64.
        classes: from 2.
        unlabelled: (M, 1, side, side) maps in [-1, 1].
        settings: steps and rates.
        seed: of batches, views and noise.
    """
    generator_net = copy.deepcopy(start.generator).train()
    network = Classifier(start.encoder, classes).train()
    draw = torch.optim.Adam(generator_net.parameters(), lr=2e-4, betas=BETAS)
    judge = torch.optim.AdamW(network.parameters(), lr=max(settings.rate, 1e-5), weight_decay=1e-3)
    for step in range(settings.frozen_steps + settings.steps):
        chance = generator_for(seed, step, STREAM)
        rows = _rows(labels, classes, chance)
        known = turned(images[rows], chance) if settings.augment else images[rows]
        others = unlabelled[torch.randint(len(unlabelled), (UNLABELLED,), generator=chance)]
        made = generator_net(torch.randn(UNLABELLED, generator_net.noise, generator=chance))
        scores = network(torch.cat([known, others, made.detach()]))
        told, real, fake = scores.split([len(known), UNLABELLED, UNLABELLED])
        # D(x) = Z / (Z + 1) with Z the sum of exp(score) over classes: a map that fits no class is made.
        loss = F.cross_entropy(told, labels[rows])
        loss = loss + F.softplus(-real.logsumexp(1)).mean() + F.softplus(fake.logsumexp(1)).mean()
        judge.zero_grad()
        loss.backward()
        judge.step()
        matched = (network.encoder(made).mean(0) - network.encoder(others).mean(0).detach()).square().mean()
        draw.zero_grad()
        matched.backward()
        draw.step()
    settle(network, images, seed)
    return network.eval()
