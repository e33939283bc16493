"""Mutation tests: change the services in a copy, one place at a time, and see a unit test fail."""
