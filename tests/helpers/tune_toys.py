"""`twincell tune` at toy size, with a space of three parameters."""

from pathlib import Path

TOY = [
    "--set", "start=null", "--set", "model.network.width=4", "--set", "model.network.depth=1", "--steps", "8",
    "--set", "synthetic.pool=8", "--set", "batch.size=4", "--folds", "2", "--rungs", "2",
    "--set", "training.learning_rate=5",  # far too much: there is something to find
]  # fmt: skip
SPACE = """
learning rate: {multiply: training.learning_rate, values: [1, 0.01, 0.001], scale: log}
crop: {set: augment.crop, values: [0.9, 1.0], scale: linear}
schedule: {set: training.schedule, values: [constant, one-cycle]}
"""
PARAMETERS = ["learning rate", "crop", "schedule"]


def command(toys: Path, out: Path, space: Path, *more: str) -> list[str]:
    """The words of a search over `space`."""
    return ["tune", str(toys), "--out", str(out), "--space", str(space), *TOY, *more]
