"""Options of `twincell topgan`, checked before anything is read."""

from twincell.errors import UserError
from twincell.gan.topgan import ARM, TopganOptions


def checked(
    pretraining: str,
    pretraining_steps: int,
    steps: int,
    side: int,
    width: int,
    pixel_um: float,
    seed: int,
    resume: bool,
    progress: bool = True,
) -> TopganOptions:
    """The options.

    Raises:
        UserError: an unknown pre-training, or a side that cannot be halved four times.
    """
    problems = []
    if pretraining not in ARM:
        problems.append(f"--pretraining {pretraining}: unknown; use one of {', '.join(ARM)}")
    if side % 16:
        problems.append(f"--side {side}: give a multiple of 16")
    if problems:
        raise UserError(problems)
    return TopganOptions(
        pretraining, pretraining_steps, steps, side, width, pixel_um, seed, resume, progress  # type: ignore[arg-type]
    )  # fmt: skip
