"""Training a density network: one look at a batch, one loss."""

from twincell.batches.batches import Batch
from twincell.models.base.counting_task import CountingTask, StepResult
from twincell.models.base.task import StepInfo
from twincell.models.components.density_loss import density_loss


class DensityNetworkTask(CountingTask):
    """Minimises `density_loss`; `settings.model` is a `DensityNetworkSettings`."""

    def losses(self, batch: Batch, info: StepInfo) -> StepResult:
        """Maps the batch, sums the maps, compares both with what is known."""
        with self.autocast():
            density = self.network(batch.images, batch.natural)
        loss = density_loss(density.float(), batch, self.settings.model.loss)  # type: ignore[attr-defined]
        return StepResult(loss.total, density.sum((1, 2, 3)), loss.terms())
