"""Databases of stacks, and the guard before they are changed."""
