"""What section 2.3.3 leaves open, tried both ways: where the regressor reads, where dropout acts."""

from collections.abc import Sequence

from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import require_twins, scratch
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job, Stage, jobs_of, wanted
from twincell.reproduce.stage_table import stage_rows, write_stages

OPEN = {
    "reads-decoder": ("model.network.regressor_reads", "decoder"),
    "reads-latent": ("model.network.regressor_reads", "latent"),
    "dropout-whole": ("model.network.bottleneck_dropout", "whole"),
    "dropout-behind": ("model.network.bottleneck_dropout", "behind"),
}
NAMES = {
    "scratch": "as the preset says",
    "reads-decoder": "the regressor reads the shared decoder's maps (the paper's text)",
    "reads-latent": "the regressor reads the latent vector (its size and the authors' code)",
    "dropout-whole": "dropout in all three layers of the bottleneck (the paper's text)",
    "dropout-behind": "dropout behind the latent vector alone (release 1)",
}


def stages(request: Request) -> list[Stage]:
    """Each modality from scratch as the preset says, and with each reading that is not the preset's."""
    chain = []
    for modality in request.modalities:
        usual = scratch(request, modality)
        chain.append(usual)
        for name, (setting, value) in OPEN.items():
            own = usual.settings.changed({setting: value})
            if own != usual.settings:
                chain.append(Stage(name, modality, own))
    return chain


def jobs(request: Request) -> list[Job]:
    """All trainings, or those that `--rows` names."""
    require_twins(request)
    return jobs_of(request, wanted(request, stages(request)))


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes readings.csv and readings.md."""
    own = [r for r in results if r.job.stage in NAMES]
    return write_stages(request.out, "readings", stage_rows(own), NAMES)


EXPERIMENT = Experiment(
    "readings",
    "where the regressor reads and where dropout acts, both ways (what section 2.3.3 leaves open)",
    jobs,
    tell,
    preset="compact",
    options=("--rows",),
)
