"""What `twincell count` may be asked for."""

from dataclasses import dataclass, replace
from pathlib import Path

from twincell.counting.inputs import Choices
from twincell.data.modality import asked_modality
from twincell.errors import UserError
from twincell.models.base.file import LoadedModel, load_model


@dataclass(frozen=True)
class CountOptions(Choices):
    """How images are counted, beside what `Choices` says of inputs that do not say it themselves.

    Attributes:
        convert: make colour, 16-bit and float images 8-bit grey by the rules of `twincell.io.images`.
        strict: report every damaged image before anything is counted; else they are flagged in the table.
        use_counted: let the counts in a manifest correct the time-lapses they stand in.
        resume: go on with a count that was stopped.
        workers: processes that share the work, from 1.
        diameter: px, of the cells, for models that scale images to the cells they know; None: found.
        looks: 1, 2 or 4 looks at each image, for models that look at mirror images too; None: as the model's
            card says.

    Raises:
        UserError: numbers out of range, all at once.
    """

    convert: bool = False
    strict: bool = False
    use_counted: bool = True
    resume: bool = False
    workers: int = 1
    diameter: float | None = None
    looks: int | None = None

    def __post_init__(self) -> None:
        problems = []
        try:
            object.__setattr__(self, "modality", asked_modality(self.modality, "modality"))
        except UserError as problem:
            problems += problem.problems
        if self.workers < 1:
            problems.append(f"workers {self.workers}: give 1 or more processes")
        if self.looks not in (None, 1, 2, 4):
            problems.append(f"looks {self.looks}: give 1, 2 or 4")
        if self.minutes is not None and not 0 < self.minutes < float("inf"):
            problems.append(f"minutes {self.minutes:g}: the time between frames must be above 0")
        if self.diameter is not None and not 1 <= self.diameter <= 1000:
            problems.append(f"diameter {self.diameter:g}: give the cells' diameter in pixels, from 1 to 1000")
        if problems:
            raise UserError(problems)


def opened(model: str | Path | LoadedModel, options: CountOptions) -> LoadedModel:
    """The model, to look at each image as often as the options say."""
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    return loaded if options.looks is None else replace(loaded, looks=options.looks)
