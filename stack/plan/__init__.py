"""Decisions that are made before anything starts, without side effects."""
