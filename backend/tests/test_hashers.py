"""Passwords are hashed as Django hashes them, at a lower priority."""

import os
import threading
from contextlib import contextmanager

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password

from accounts import hashers
from accounts.hashers import LOWER_PRIORITY, PatientPBKDF2PasswordHasher, hashing_thread
from config.settings import base


def test_the_shop_hashes_patiently():
    assert base.PASSWORD_HASHERS == ["accounts.hashers.PatientPBKDF2PasswordHasher"]


def test_a_hash_is_the_one_that_django_makes(settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    encoded = PatientPBKDF2PasswordHasher().encode("secret", "salt", 10)
    assert encoded == PBKDF2PasswordHasher().encode("secret", "salt", 10)
    assert check_password("secret", encoded)
    assert not check_password("wrong", encoded)
    assert make_password("secret").startswith("pbkdf2_sha256$")


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="Linux alone has priorities of threads")
def test_a_password_is_hashed_at_a_lower_priority_and_all_else_as_before(monkeypatch):
    def priority():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before, seen = priority(), []
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", lambda *arguments: seen.append(priority()))
    PatientPBKDF2PasswordHasher().encode("secret", "salt", 10)
    assert (seen, priority()) == ([min(before + LOWER_PRIORITY, 19)], before)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="Linux alone has priorities of threads")
def test_in_a_process_of_low_priority_a_password_is_hashed_at_a_lower_one(monkeypatch):
    thread, seen = threading.get_native_id(), []
    monkeypatch.setattr(os, "getpriority", lambda which, who: {(os.PRIO_PROCESS, thread): 10}[which, who])
    monkeypatch.setattr(os, "setpriority", lambda *arguments: seen.append(arguments))
    hashers._lower_priority()
    assert seen == [(os.PRIO_PROCESS, thread, 10 + LOWER_PRIORITY)]


def test_a_password_is_hashed_in_turn(monkeypatch):
    steps = []

    @contextmanager
    def take_turn():
        steps.append("begin")
        yield
        steps.append("end")

    monkeypatch.setattr(hashers, "take_turn", take_turn)
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", lambda *arguments: steps.append("hash"))
    PatientPBKDF2PasswordHasher().encode("secret", "salt", 10)
    assert steps == ["begin", "hash", "end"]


def test_a_process_that_forks_can_still_hash():
    hashing_thread(os.getpid()).submit(int).result()
    child = os.fork()
    if child == 0:
        os._exit(PatientPBKDF2PasswordHasher().encode("secret", "salt", 10).count("$") - 3)
    assert os.waitpid(child, 0)[1] == 0
