"""The network, layer by layer: shapes, parameters and what is shared (Figure 4)."""

from collections.abc import Sequence

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.models import METHODS
from twincell.reproduce.data_sets import no_jobs
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import require_twins
from twincell.reproduce.plots import save_figure
from twincell.reproduce.request import Request

COLOURS = {"natural": "#f2c744", "synthetic": "#6aa6de", "core": "#7fbf7b", "regressor": "#b48bd0"}
"""As in the paper's figure: yellow natural, blue synthetic, green shared, purple the count."""
COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes figure4.csv (a row for each layer with weights), figure4.png and figure4.md."""
    require_twins(request)
    settings = request.settings_for(request.modalities[0])
    with torch.device("meta"):
        network = METHODS[settings.method].build(settings.model)
        table = layers(network)
    parameters = sum(weights.numel() for weights in network.parameters())
    write_atomic(request.out / "figure4.csv", table.to_csv(index=False))
    save_figure(request.out / "figure4.png", draw(table))
    rows = [[str(value) for value in row] for row in table.itertuples(index=False)]
    text = markdown(list(table.columns), rows)
    text += f"\n{parameters / 1e6:.2f} million parameters, batch norms included ({settings.name}).\n"
    write_atomic(request.out / "figure4.md", text)
    return text


def layers(network: nn.Module) -> pd.DataFrame:
    """Layers with weights in the order an image passes them, natural ones first.

    Args:
        network: with two encoders and decoders, on any device ("meta" costs no memory).

    Returns:
        Columns part (natural, synthetic, core, regressor), layer, kind, output (shape of one image's), and
        parameters of the layer (batch norms stand with the layer before).
    """
    seen: dict[str, tuple[int, ...]] = {}

    def note(name: str, module: nn.Module) -> None:
        def look(_: nn.Module, __: object, out: torch.Tensor) -> None:
            seen.setdefault(name, tuple(out.shape[1:]))

        module.register_forward_hook(look)

    named = {name: module for name, module in network.named_modules() if isinstance(module, COUNTED)}
    for name, module in named.items():
        note(name, module)
    network.eval()
    for natural in (True, False):
        # Two images: one alone would be cut to nothing where origins are told apart.
        network(torch.zeros(2, 1, 128, 128), torch.full((2,), natural, device="cpu"))
    rows = []
    for name, shape in seen.items():
        own = sum(weights.numel() for weights in named[name].parameters())
        beside = name.rpartition(".")[0]
        norm = [m for key, m in network.named_modules()
                if isinstance(m, nn.BatchNorm2d) and key.rpartition(".")[0] == beside]  # fmt: skip
        own += sum(weights.numel() for m in norm for weights in m.parameters())
        kind = {nn.Conv2d: "convolution", nn.ConvTranspose2d: "transposed convolution", nn.Linear: "linear"}
        rows.append(
            {
                "part": name.split(".")[0],
                "layer": name,
                "kind": kind[type(named[name])],
                "output": " x ".join(map(str, shape)),
                "parameters": own,
            }
        )
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> Figure:
    """Boxes as high as maps are large: each origin's encoder, what is shared, each decoder, the count."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots()
    lines = {"natural": 1.0, "synthetic": -1.0, "core": 0.0, "regressor": -2.2}
    places: dict[str, float] = {}
    shared = [name for name in table["layer"] if name.startswith("core")]
    for part, own in table.groupby("part", sort=False):
        for layer, output in zip(own["layer"], own["output"], strict=True):
            side = float(output.split(" x ")[1]) if " x " in output else 1.0
            decodes = ".decoder." in layer and part != "core"
            if part == "core":
                x = 5.0 + shared.index(layer)
            elif part == "regressor":
                x = 7.0 + places.setdefault("regressor", -1.0)
                places["regressor"] += 1.0
            else:
                x = float(layer.split(".")[2]) + (5.5 + len(shared) if decodes else 0.5)
            height = 0.25 + 0.9 * (side / 128) ** 0.5
            axes.bar(x, height, 0.7, bottom=lines[str(part)] - height / 2, color=COLOURS[str(part)])
            axes.text(x, lines[str(part)], output.replace(" x ", "\n"), ha="center", va="center", fontsize=5)
    for part, height in lines.items():
        words = "shared" if part == "core" else part
        axes.text(-0.6, height, words, ha="right", va="center", fontsize=8)
    axes.set_xlim(-2.2, 7.5 + len(shared) + 4)
    axes.set_ylim(-2.7, 1.8)
    axes.axis("off")
    return figure


EXPERIMENT = Experiment(
    "figure4",
    "the network layer by layer, and what is shared (Figure 4)",
    no_jobs,
    tell,
    preset="paper-pc",
)
