"""TOP-GAN."""
