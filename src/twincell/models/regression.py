"""What methods share that learn counts step by step without a twin: one map, one loss.

A network of theirs gives a map whose sum is the count; a bare count is a map of one element.
"""

from twincell.data.batches import Batch
from twincell.models.spatial_twin.loss import spatial_loss
from twincell.training.task import CountingTask, Moment, StepResult


class RegressionTask(CountingTask):
    """Minimises `spatial_loss` of `network(images)` (B, 1, h, w); `settings.model.loss` holds its factors."""

    def losses(self, batch: Batch, moment: Moment) -> StepResult:
        """Maps the batch, sums the maps, compares both with what is known."""
        with self.autocast():
            density = self.network(batch.images)
        loss = spatial_loss(density.float(), batch, self.settings.model.loss)  # type: ignore[attr-defined]
        return StepResult(loss.total, density.float().sum((1, 2, 3)), loss.terms())
