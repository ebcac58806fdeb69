"""What is declared: frozen, hashable by its JSON, without tensors. It travels and is stored."""
