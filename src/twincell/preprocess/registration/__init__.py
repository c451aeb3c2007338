"""How a field of view moved: drift, rotation, the reference that frames are compared with."""
