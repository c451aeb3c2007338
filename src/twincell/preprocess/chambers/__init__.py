"""Where the chambers are in a field of view, and how they are cut out."""
