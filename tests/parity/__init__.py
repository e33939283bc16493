"""The same small stacks on every engine: what each sees, and what differs by decision."""
