"""How large the cells of a job are, found or given, so that images of any magnification can be counted."""

import numpy as np

from twincell.counting.inputs import Frames
from twincell.counting.reader import Reader
from twincell.errors import UserError
from twincell.faults import Fault
from twincell.models.base.file import LoadedModel
from twincell.models.base.sizes import evenly

Diameters = dict[str, float | None]
"""px, by modality; None where no cell was found."""


def cell_diameters(
    frames: Frames, reader: Reader, model: LoadedModel, given: float | None = None
) -> Diameters:
    """The cells' diameter in px, for each modality among the frames; nothing for models that scale nothing.

    Args:
        given: px, what the user says, for all frames; None = found from the images.

    Raises:
        UserError: `given`, and the model does not scale.
    """
    if not model.measures:
        if given is not None:
            raise UserError(
                f"diameter {given:g}: model {model.card.name} knows cells of one size, scales nothing; leave "
                "it out, or use a model that does, such as any"
            )
        return {}
    modalities = frames.table["modality"].to_numpy()
    found: Diameters = {}
    for modality in sorted(set(modalities)):
        rows = np.flatnonzero(modalities == modality)
        if given is None:
            read = reader.read_all(evenly(rows))
            found[modality] = model.diameter([image for image in read if not isinstance(image, Fault)])
        else:
            found[modality] = given
        frames.notes.append(_note(modality, found[modality], given is not None))
    return found


def _note(modality: str, diameter: float | None, given: bool) -> str:
    whose = f"cells of {modality}" if modality else "cells"
    if diameter is None:
        return f"{whose}: no diameter was found, images are counted as they are; say it with --diameter"
    said = "as given" if given else "as found in the images; correct it with --diameter"
    return f"{whose} are taken to be {diameter:.0f} px across, {said}"
