"""For all suites: a failed test shows what the services wrote meanwhile."""

from evidence import pytest_runtest_makereport as pytest_runtest_makereport
