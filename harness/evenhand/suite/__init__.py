"""Suites: reading of the YAML file, checks, expansion of grids, and resolution to trials."""
