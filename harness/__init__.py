"""Everything that runs a suite. The layers are drawn in CONTRIBUTING.md and held by a test."""

__version__ = "0.1.0"
