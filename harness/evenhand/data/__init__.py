"""Data sets, imbalance profiles, splits and (class, group) cells."""
