"""Recipes by name, and the learning-rate schedules that they name."""

IMPORT_ALL = True
