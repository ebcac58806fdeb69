"""Data sets, one file for each."""

IMPORT_ALL = True
