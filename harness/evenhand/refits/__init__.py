"""Solvers for a linear head on the features of a trained network."""
