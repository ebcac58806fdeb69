"""A benchmark harness for imbalanced learning: suites, methods, training and records."""

__version__ = "0.1.0"
