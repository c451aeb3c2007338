"""How a scene looks: the paper's ellipses, or bright field and phase contrast by Fourier optics."""
