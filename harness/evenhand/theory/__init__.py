"""What theory says that simulation should find: pure NumPy and SciPy, known to no training."""
