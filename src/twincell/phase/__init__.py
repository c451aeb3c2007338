"""Phase: holograms to maps of optical path delay, dry mass, and simulated maps."""
