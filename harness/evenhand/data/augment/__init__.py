"""Augmentation as batched tensor code, and learned augmentation policies."""

IMPORT_ALL = True
