"""Customers and staff, known by their email address."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class UserManager(BaseUserManager["User"]):
    """Make users; addresses are compared without regard to case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user of an email address. Raises: User.DoesNotExist."""
        return self.get(email=(username or "").strip().lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make and store a user; without a password no login as this user is possible."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make and store a user with every permission in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """One person. `is_staff` opens the admin."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.email

    def password_digest(self) -> str:
        """Return text that changes whenever the password changes; tokens hold a copy."""
        return hashlib.sha256(self.password.encode()).hexdigest()

    def clean(self) -> None:
        """Normalise the email address of a form."""
        super().clean()
        self.email = self.email.strip().lower()


class AccessToken(models.Model):
    """A bearer token: its holder acts as the user until it expires or is revoked. Its digest is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    password_digest = models.CharField(max_length=64, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.digest[:8]}"
