"""A counting graph as an ONNX file."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from twincell.export.graph import CountingGraph
from twincell.models.base.card import ModelCard

OPSET = 18


def onnx_bytes(graph: CountingGraph, example: Tensor, card: ModelCard) -> bytes:
    """The graph as ONNX: input `image` (N, 1, H, W), any N; outputs as `graph.tells`; the card beside them.

    Args:
        example: (2, 1, H, W), of the images' size and number type.
    """
    import onnx

    quiet = io.StringIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(quiet), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            (example,),
            input_names=["image"],
            output_names=list(graph.tells),
            dynamic_shapes={"image": {0: torch.export.Dim("images", min=1, max=65535)}},
            opset_version=OPSET,
            dynamo=True,
            custom_translation_table=_translations(),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    about = {"twincell": card.twincell_version, "model": card.name, "card": card.model_dump_json()}
    about |= {"modalities": json.dumps(card.modalities), "licence": card.licence}
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """The operations of our networks that the exporter does not know, by those that ONNX has."""
    from onnxscript import opset18

    op: Any = opset18  # its own types ask for more than its operators do

    def last_of_largest(values: Any, count: Any, dim: int) -> Any:
        """The smallest of the `count` largest along an axis, and its place."""
        largest, places = op.TopK(values, count, axis=dim, largest=1)
        last = op.Constant(value_int=-1)
        return op.Gather(largest, last, axis=dim), op.Gather(places, last, axis=dim)

    def side(values: Any, dim: int) -> Any:
        return op.Gather(op.Shape(values), op.Constant(value_ints=[dim]))

    def median(values: Any, dim: int = -1, keepdim: bool = False) -> Any:
        """The lower median, as torch has it: of n values the last of the n // 2 + 1 largest."""
        half = op.Div(side(values, dim), op.Constant(value_ints=[2]))
        return last_of_largest(values, op.Add(half, op.Constant(value_ints=[1])), dim)

    return {torch.ops.aten.median.dim: median}
