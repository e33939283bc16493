"""Change, test, debug: what keeps running, or talks to an editor."""

from __future__ import annotations

import json
import re
import secrets
import threading
import urllib.request
from collections.abc import Callable

from cli.conftest import ENGINE
from cli.dap import Editor
from cli.terminal import Ended, Terminal
from stack.system.directories import ROOT

VIEWS = ROOT / "backend" / "core" / "views.py"


def test_a_saved_test_is_run_again(terminal: Callable[[str], Terminal]) -> None:
    watching = terminal("test test_health --watch")
    watching.wait_for(r"\d+ passed in ")
    watching.wait_for("watching integration_tests, .*; Ctrl-C ends the watch\n")
    own = ROOT / "integration_tests" / f"test_zz_{secrets.token_hex(3)}.py"
    try:
        own.write_text("def test_of_its_own() -> None:\n    assert 1 == 2\n")
        watching.wait_for(f"{own.name} was saved: testing\n")
        watching.wait_for(r"1 failed in ")
        watching.wait_for("error: The integration tests did not pass")
        own.write_text("def test_of_its_own() -> None:\n    assert 1 == 1\n")
        watching.wait_for(r"1 passed in ")
    finally:
        own.unlink()
    watching.interrupt()
    assert watching.end() == 130


if ENGINE == "local":  # elsewhere cases.py has the refusal

    def test_a_service_stands_at_a_breakpoint_and_stays_ready(typed: Callable[[str], Ended]) -> None:
        line = next(
            number
            for number, text in enumerate(VIEWS.read_text(encoding="utf-8").splitlines(), 1)
            if '"service": "backend"' in text
        )
        started = typed("debug backend")
        assert (started.code, started.err) == (0, "")
        printed = started.out[started.out.index("{") : started.out.rindex("}") + 1]
        connect = json.loads(printed)["connect"]
        assert f"Attach to DAP: 127.0.0.1, port {connect['port']}" in started.out
        address = typed("open backend").out.strip()
        answers: list[int] = []
        with Editor(**connect) as editor:
            editor.attach(str(VIEWS), line, connect=connect)
            worker = editor.wait_for("debugpyAttach")
            with Editor(**worker["connect"]) as child:
                child.attach(str(VIEWS), line, **worker)
                asking = threading.Thread(
                    target=lambda: answers.append(urllib.request.urlopen(address).status)
                )
                asking.start()
                thread = child.wait_for("stopped")["threadId"]
                (frame, *_) = child.ask("stackTrace", threadId=thread)["stackFrames"]
                assert (frame["name"], frame["line"]) == ("health_check", line)
                assert re.search(r"backend +ready", typed("ps").out)
                child.ask("setBreakpoints", source={"path": str(VIEWS)}, breakpoints=[])
                child.ask("continue", threadId=thread)
                asking.join()
        assert answers == [200]
        place = f"127.0.0.1:{connect['port']}"
        assert re.search(rf"backend +ready .* HTTP 200, under debugpy at {place}\n", typed("ps").out)
        assert f"debugpy, which listens at {place}:" in typed("debug backend").out
        assert typed("restart backend").out == "backend: restarted and ready\n"
