"""Predictions of theory for simulated data, in NumPy and SciPy, independent of training."""
