"""From a field of view to chambers (the paper's preprocessing): registered, upright, cropped, evenly lit.

from twincell.preprocess.import_stack import Chambers, import_stack
import_stack(["night.nd2"], "chambers", Chambers("bf"))  # to a manifest
"""
