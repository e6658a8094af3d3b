"""Comparisons against the paper's network; run from the root of the repository."""
