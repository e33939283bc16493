"""Attacks on a running shop: each is a test that the shop withstands it."""
