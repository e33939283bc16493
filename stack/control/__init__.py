"""Find, start, ask and end a stack."""
