"""Readers of images and features from archives, folders, Parquet files and tables."""
