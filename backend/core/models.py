"""The mark that says which code prepared this database."""

from django.db import models


class Preparation(models.Model):
    """One row: the fingerprint of the code that prepared the database, how many migrations
    it had, and how many products were asked for."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    migrations = models.PositiveIntegerField()
    seeded = models.PositiveIntegerField()
    prepared_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.fingerprint
