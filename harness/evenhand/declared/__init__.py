"""What a trial is: methods, stages, problems, recipes, records. Frozen, hashable, no tensors."""
