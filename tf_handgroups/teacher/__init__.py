"""Labels for unlabelled photographs from a teacher model; `predict` uses its palm detector."""
