"""Augmentation as batched tensor code, and augmentation policies that are learned."""

IMPORT_ALL = True
