"""Labels for unlabelled photographs from a teacher model, whose palm detector serves `predict` too."""
