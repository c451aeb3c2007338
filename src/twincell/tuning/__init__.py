"""Hyperparameter search: which values of a preset count best on chambers that training has not seen."""
