"""What the figures of a report draw, as plain data."""
