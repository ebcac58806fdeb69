"""Declarations: methods, stages, problems, recipes, trials and records, frozen and hashable."""
