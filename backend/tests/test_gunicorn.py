"""Gunicorn's hooks: when a worker does the heavy part of its start."""

from __future__ import annotations

import os
import threading
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest

from config import api_urls, preparation
from config.preparation import BASE_DIR
from core import turns

WITHIN_S = 30.0


@pytest.fixture
def hooks() -> ModuleType:
    """The configuration file, as Gunicorn reads it."""
    loader = SourceFileLoader("gunicorn_conf", str(BASE_DIR / "gunicorn.conf.py"))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_workers_share_their_turns(hooks, monkeypatch):
    monkeypatch.setattr(preparation, "prepare", lambda: True)
    monkeypatch.setattr(turns, "_file", None)
    hooks.on_starting(server=None)
    assert turns._file is not None
    os.close(turns._file)


@pytest.fixture
def warm(hooks, monkeypatch) -> threading.Event:
    """Set as soon as a worker has warmed up, and put away what it imported."""
    event = threading.Event()
    imported = threading.Event()
    monkeypatch.setattr(api_urls, "warm_up", imported.set)
    monkeypatch.setattr(hooks.gc, "freeze", lambda: imported.is_set() and event.set())
    return event


def test_a_worker_warms_up_without_a_request(hooks, warm):
    hooks.WARM_UP_WITHIN_S = 0.0
    hooks.post_worker_init(worker=None)
    assert warm.wait(WITHIN_S)


def test_a_first_response_does_not_wait_for_the_warm_up(hooks, warm):
    hooks.WARM_UP_WITHIN_S = 3600.0
    hooks.post_worker_init(worker=None)
    assert not warm.is_set()
    hooks.post_request(worker=None, req=None, environ={}, resp=None)
    assert warm.wait(WITHIN_S)
