"""Profiles, splits, fingerprints, and one file per source of images."""

IMPORT_ALL = True
