"""A leaderboard as HTML, LaTeX, Markdown, CSV, Parquet or terminal text."""
