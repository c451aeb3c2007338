"""Makers of small test data; no image lies in the repository."""
