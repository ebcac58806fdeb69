"""Estimates over seeds, paired tests, ranks and Pareto fronts."""
