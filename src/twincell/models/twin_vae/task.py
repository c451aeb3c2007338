"""Training a Twin-VAE: one look at a batch, one loss."""

from twincell.batches.batches import Batch
from twincell.models.base.counting_task import CountingTask, StepResult
from twincell.models.base.task import StepInfo
from twincell.models.twin_vae.loss import twin_loss


class TwinVAETask(CountingTask):
    """Minimises `twin_loss`; `settings.model` is a `TwinVAESettings`."""

    def losses(self, batch: Batch, info: StepInfo) -> StepResult:
        """Encodes, counts and (unless switched off) decodes the batch by its origins."""
        settings = self.settings.model.loss  # type: ignore[attr-defined]
        decode = settings.decode and info.step >= settings.decode_from * info.steps
        with self.autocast():
            output = self.network(batch.images, batch.natural, decode=decode)
        loss = twin_loss(output, batch, settings, info.epoch)
        return StepResult(loss.total, output.count, loss.terms())
