"""Experiments one command away: what is measured, how often, and the tables and figures that come of it."""
