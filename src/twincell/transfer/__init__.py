"""Moving a trained network to another microscope: schemes over its named parts."""
