"""Parts that several networks are built from or trained with."""
