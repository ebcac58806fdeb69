"""Labelled images, imbalance profiles, splits and (class, group) cells."""
