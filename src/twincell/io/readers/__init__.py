"""Readers of microscope files: one module per kind, all alike to those who use them (`base.Stack`)."""
