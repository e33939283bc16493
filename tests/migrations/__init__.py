"""Migrations of the backend: complete, reversible, linted, from every released state, at scale."""
