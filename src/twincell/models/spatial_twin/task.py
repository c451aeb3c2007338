"""Training a spatial twin: one look at a batch, one loss."""

from twincell.data.batches import Batch
from twincell.models.spatial_twin.loss import spatial_loss
from twincell.training.task import CountingTask, Moment, StepResult


class SpatialTwinTask(CountingTask):
    """Minimises `spatial_loss`; `settings.model` is a `SpatialTwinSettings`."""

    def losses(self, batch: Batch, moment: Moment) -> StepResult:
        """Maps the batch, sums the maps, compares both with what is known."""
        with self.autocast():
            density = self.network(batch.images, batch.natural)
        loss = spatial_loss(density.float(), batch, self.settings.model.loss)  # type: ignore[attr-defined]
        return StepResult(loss.total, density.sum((1, 2, 3)), loss.terms())
