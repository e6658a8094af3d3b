"""Labels for unlabelled photographs from a teacher model; nothing else needs it."""
