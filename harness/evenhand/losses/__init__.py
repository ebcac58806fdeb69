"""Losses by example: the vector-scaling family and focal loss, as specs that `bind` to counts.

Importing these modules does not import torch: vectors over classes are NumPy in float64, and the
kernels in `kernel.py` are imported by `bind`, inside the worker.
"""
