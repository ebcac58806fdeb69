"""Solvers for a linear head, on features of a network that is not trained any further."""
