"""How a scene looks: the paper's ellipses, or bright field and phase contrast by Fourier optics."""

from twincell.render.draw import Rendered, synthesise
from twincell.render.settings import load_look

__all__ = ["Rendered", "load_look", "synthesise"]
