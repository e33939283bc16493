"""Rows of the services' own unit tests, a module a subject."""
