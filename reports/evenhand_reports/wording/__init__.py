"""Text that reports show: summaries, footnotes, captions and formatted numbers."""
