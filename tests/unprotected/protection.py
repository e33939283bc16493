"""What a test says about the code that makes it pass: without these lines it fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from unprotected.projects import REPOSITORY, SERVICES, Project

ROOT = Path(__file__).resolve().parents[2]
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Cut:
    """One change of the code: ``old`` stands exactly once in ``file``, and is replaced by ``new``."""

    file: str
    old: str
    new: str = "pass"


@dataclass(frozen=True, kw_only=True)
class Protection:
    """One line of the table: a protection, the cuts that take it out, and a test that then fails.

    Several cuts are one protection behind another: with any of them left in place, the test passes.
    """

    description: str
    cuts: tuple[Cut, ...]
    file: str
    """The test's module, from the repository's root."""
    function: str
    cases: tuple[str, ...]
    """The ids of parametrized cases that fail; none: the whole test."""
    any_case: bool
    """One failing case is enough; otherwise every case that runs has to fail."""
    after: tuple[str, ...]
    """Tests of the same module that run before it."""
    engine: str

    @property
    def project(self) -> Project:
        """Return where the test is run."""
        return next((each for each in SERVICES if each.has(self.file)), REPOSITORY)

    @property
    def suite(self) -> str:
        """Return the service whose test it is, or the suite's folder below tests/: ``faults``."""
        return self.project.name or self.file.split("/")[1]

    @property
    def test(self) -> str:
        """Return what a person selects the row by: the test's name and its cases."""
        return " ".join([self.function, *(f"[{case}]" for case in self.cases)])

    @property
    def node_ids(self) -> tuple[str, ...]:
        """Return what pytest is asked to run, from the project's folder."""
        cases = [f"[{case}]" for case in self.cases] or [""]
        names = [*self.after, *(f"{self.function}{case}" for case in cases)]
        file = self.file.removeprefix(f"{self.project.folder}/")
        return tuple(f"{file}::{name}" for name in names)


TABLE: dict[Protection, None] = {}
"""Every protection of the test modules that were imported, in their order."""


def protected_by(
    description: str,
    *cuts: Cut,
    cases: Sequence[str] = (),
    any_case: bool = False,
    after: Sequence[str] = (),
    engine: str = "local",
) -> Callable[[Test], Test]:
    """Register that a test fails where a protection is taken out; the test itself stays as it is.

    ``nox -s unprotected`` makes the cuts in a copy and demands the failure.
    """

    def register(test: Test) -> Test:
        row = Protection(
            description=description,
            cuts=cuts,
            file=str(Path(inspect.getfile(test)).resolve().relative_to(ROOT)),
            function=test.__name__,
            cases=tuple(cases),
            any_case=any_case,
            after=tuple(after),
            engine=engine,
        )
        TABLE[row] = None
        return test

    return register


def row(description: str, *cuts: Cut, test: str, cases: Sequence[str] = (), any_case: bool = False) -> None:
    """Register the same for a service's unit test, which cannot import this: ``FILE::FUNCTION``."""
    file, _, function = test.partition("::")
    entry = Protection(
        description=description,
        cuts=cuts,
        file=file,
        function=function,
        cases=tuple(cases),
        any_case=any_case,
        after=(),
        engine="local",
    )
    TABLE[entry] = None
