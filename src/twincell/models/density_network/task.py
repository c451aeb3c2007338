"""Training a density network: one look at a batch, one loss."""

from twincell.batches.batches import Batch
from twincell.models.base.counting_task import CountingTask, StepResult
from twincell.models.base.task import StepInfo
from twincell.models.components.density_loss import density_loss
from twincell.models.density_network.network import DensityNetwork


class DensityNetworkTask(CountingTask):
    """Minimises `density_loss`; `settings.model` is a `DensityNetworkSettings`."""

    def losses(self, batch: Batch, info: StepInfo) -> StepResult:
        """Maps the batch, sums the maps, compares both with what is known."""
        network: DensityNetwork = self.network  # type: ignore[assignment]
        factors = self.settings.model.loss  # type: ignore[attr-defined]
        with self.autocast():
            maps = network.features(batch.images, batch.natural)
            density = network.density(maps)
            diameter = network.log_diameter(maps, density) if factors.size else None
        loss = density_loss(density.float(), batch, factors, diameter)
        return StepResult(loss.total, density.sum((1, 2, 3)), loss.terms())
