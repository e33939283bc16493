"""Pure decisions, made before anything starts."""
