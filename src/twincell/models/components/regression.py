"""What methods share that learn counts step by step without a twin: one map, one loss.

A network of theirs gives a map whose sum is the count; a bare count is a map of one element.
"""

from twincell.batches.batches import Batch
from twincell.models.base.counting_task import CountingTask, StepResult
from twincell.models.base.task import StepInfo
from twincell.models.components.density_loss import density_loss


class RegressionTask(CountingTask):
    """Minimises `density_loss` of `network(images)` (B, 1, h, w); `settings.model.loss` holds its factors."""

    def losses(self, batch: Batch, info: StepInfo) -> StepResult:
        """Maps the batch, sums the maps, compares both with what is known."""
        with self.autocast():
            density = self.network(batch.images)
        loss = density_loss(density.float(), batch, self.settings.model.loss)  # type: ignore[attr-defined]
        return StepResult(loss.total, density.float().sum((1, 2, 3)), loss.terms())
