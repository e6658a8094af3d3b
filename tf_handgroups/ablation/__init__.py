"""Does grouping help: the same training with one thing changed, several times, compared."""
