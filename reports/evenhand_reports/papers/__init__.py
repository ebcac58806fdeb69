"""Numbers printed in papers, and which of ours stand beside them."""
