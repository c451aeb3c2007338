"""How a scene looks: the paper's ellipses, or bright field and phase contrast by Fourier optics."""

from twincell.render.pictures import Rendered, draw, synthesise
from twincell.render.presets import Preset, load_preset
from twincell.render.settings import load_look

__all__ = ["Preset", "Rendered", "draw", "load_look", "load_preset", "synthesise"]
