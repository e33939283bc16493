"""Which tests run which line, and how long each test takes."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import coverage

from mutants.places import statement_lines
from mutants.runs import Durations, fork, run_pytest

LIMIT_S = 3600
"""For all tests together, with coverage."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoverageMap:
    """The tests of each line of the mutated modules, and their durations in seconds."""

    folder: Path
    tests: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def tests_of(self, file: Path, line: int) -> list[str]:
        """Return the tests that run the statement of a line, the most specific first.

        Most specific are those of a file that is named like the module or its folder, or imports it: they
        belong to it also where they run it in another process, or only read a constant. Then come those that
        run least of the code. What runs at import may change whatever the module does: all of its tests.
        """
        lines = self.tests.get(str(file), {})
        statement = statement_lines(file.read_text(encoding="utf-8"), line)
        names = {name for number in statement or lines for name in lines.get(number, []) if name}
        if statement is None:  # a decorator may keep a test from running a single line of the function
            files = {name.partition("::")[0] for name in names}
            names = {name for name in self.seconds if name.partition("::")[0] in files}
        own = {name for name in self.seconds if self._belongs(name.partition("::")[0], file)}
        return sorted(names | own, key=lambda name: (name not in own, self._breadth[name], name))

    def _belongs(self, test_file: str, module: Path) -> bool:
        if test_file in {f"tests/test_{name}.py" for name in (module.stem, module.parent.name)}:
            return True
        package, name = ".".join(module.relative_to(self.folder).parent.parts), re.escape(module.stem)
        imported = rf"^from {re.escape(package)}(\.{name} import | import (.*, )?{name}\b)"
        return re.search(imported, _text(self.folder / test_file), re.MULTILINE) is not None

    @cached_property
    def _breadth(self) -> Counter[str]:
        return Counter(name for lines in self.tests.values() for tests in lines.values() for name in tests)


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def measure(folder: Path, files: Iterable[Path], scratch: Path) -> CoverageMap:
    """Run all tests of a project once, with coverage.

    Raises:
        SystemExit: they are red as they are.
    """
    data, durations, output = scratch / "coverage", scratch / "durations", scratch / "output"
    watched = [str(file) for file in files]

    def run() -> int:
        signal.alarm(LIMIT_S)
        tracer = coverage.Coverage(data_file=str(data), include=watched, config_file=False)
        plugin = Durations(tracer)
        tracer.start()
        code = run_pytest(folder, [], [plugin])
        tracer.stop()
        tracer.save()
        durations.write_text(json.dumps(plugin.seconds), encoding="utf-8")
        return code

    _require_green(fork(run, output), output)
    names = json.loads(durations.read_text(encoding="utf-8"))
    # A name that pytest does not find again would make every mutation look as if it were seen.
    found_again = fork(lambda: run_pytest(folder, ["--collect-only", *names]), output)
    _require_green(found_again, output)
    found = coverage.CoverageData(str(data))
    found.read()
    tests = {file: found.contexts_by_lineno(file) for file in found.measured_files()}
    return CoverageMap(folder=folder, tests=tests, seconds=names)


def _require_green(code: int, output: Path) -> None:
    if code != 0:
        text = output.read_text(errors="replace")[-3000:]
        raise SystemExit(f"The tests fail without any mutation (exit code {code}):\n{text}")
