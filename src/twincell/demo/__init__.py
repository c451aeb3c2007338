"""The whole job on simulated chambers, and the page it ends with."""
