"""Files that images and features are read from: archives, folders, Parquet, tables."""
