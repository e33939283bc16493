"""Which code prepared this database, and the responses to idempotent requests."""

from django.db import models
from django.utils import timezone


class Preparation(models.Model):
    """One row: the fingerprint of the code that prepared the database, and its numbers of
    migrations and products."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    migrations = models.PositiveIntegerField()
    seeded = models.PositiveIntegerField()
    prepared_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.fingerprint


class Retried(models.Model):
    """A row that the worker works on, again and again where that fails, ever more rarely."""

    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class IdempotentResponse(models.Model):
    """The first response to a request that must take effect once."""

    scope = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=80)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = (
            "core_idempotentanswer"  # its first name: the previous release reads it while this one starts
        )
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="core_idempotent_answer_once")]

    def __str__(self) -> str:
        return self.key
