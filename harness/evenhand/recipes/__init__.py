"""Recipes by name, and the learning-rate schedules that they use."""

IMPORT_ALL = True
