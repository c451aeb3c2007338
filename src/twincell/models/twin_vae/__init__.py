"""The paper's method: two autoencoders with a shared core and a count regressor. Its card is README.md."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.models.base.method import Parts, Prediction
from twincell.models.components.count_calibration import calibrated_gain
from twincell.models.twin_vae.network import TwinVAE
from twincell.models.twin_vae.settings import TwinVAESettings

if TYPE_CHECKING:
    from twincell.models.base.counting_task import CountingTask

LOOK = 128
"""Images counted together when counts are scaled."""


def _twins(*names: str) -> tuple[str, ...]:
    return tuple(f"{origin}.{name}" for origin in ("natural", "synthetic") for name in names)


class TwinVAEMethod:
    """The Twin-VAE as `twincell.models.METHODS` knows it."""

    name = "twin_vae"
    settings_class = TwinVAESettings
    parts = Parts(
        outer=_twins("encoder", "decoder"),
        core=("core",),
        head=("regressor",),
        # The fourth decoder layer (kernel 2) only pads the fifth (kernel 6): together they mirror one
        # convolution.
        unfreezing=(
            (*_twins("encoder.0", "decoder.4", "decoder.3"), "regressor"),
            _twins("encoder.1", "decoder.2"),
            _twins("encoder.2", "decoder.1"),
            _twins("encoder.3", "decoder.0"),
            ("core",),
        ),
    )

    def build(self, settings: TwinVAESettings) -> TwinVAE:
        """A network with orthogonal weights and zero biases."""
        return TwinVAE(**settings.network.model_dump())

    def task(self, network: nn.Module, settings: Settings) -> "CountingTask":
        """The training wrapper."""
        from twincell.models.twin_vae.task import TwinVAETask

        return TwinVAETask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, 128, 128) from the mean of their latent distribution."""
        output = network(images, decode=False)
        return Prediction(output.count.float().clamp_min(0))

    def finalize(self, network: nn.Module, images: Tensor, counted: Tensor, counts: Tensor) -> None:
        """Where the settings ask for it: scales counts by the factor that fits the counted images best."""
        assert isinstance(network, TwinVAE)
        if network.calibrate and len(counts):
            found = torch.cat([self.predict(network, part).count for part in counted.split(LOOK)])
            network.scale_counts(calibrated_gain(found, counts))


METHOD = TwinVAEMethod()
