"""The settings of nearest neighbours."""

from typing import Annotated

from pydantic import Field

from twincell.config import Strict


class NearestSettings(Strict):
    """A preset's `model:` for the method nearest."""

    side: Annotated[int, Field(gt=0, le=1024)] = 32
    """Images are compared at side x side pixels."""
