from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded_stacks import write_state

from stack.commands import doctor
from stack.commands.doctor import Check
from stack.control import guardians
from stack.system import ports
from unprotected.protection import Cut, protected_by


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor, "ROOT", tmp_path)


def disk(monkeypatch: pytest.MonkeyPatch, free: int) -> set[str]:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    return {check.level for check in doctor._disk()}


def test_a_full_disk_is_an_error_and_a_small_one_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk(monkeypatch, 10 << 20) == {"error"}
    assert disk(monkeypatch, 2 << 30) == {"warning"}
    assert disk(monkeypatch, 50 << 30) == {"ok"}


@pytest.mark.parametrize(("uid", "text"), [(0, "the services run as nobody"), (1, "without root's rights")])
def test_the_account_of_services_is_told(monkeypatch: pytest.MonkeyPatch, uid: int, text: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    (check,) = doctor._account()
    assert check.level == "ok"
    assert text in check.text


def test_a_taken_port_is_named_with_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setattr(doctor, "DEFAULT_PORTS", (port,))
        (check,) = doctor._ports()
    assert (check.level, check.name) == ("warning", f"port {port}")
    assert "held by pid" in check.text
    assert ports.is_free(port)


def test_a_port_of_a_running_stack_is_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stack = replace(write_state("shop", tmp_path, pid=os.getpid()), ports={"web": {80: port}})
        monkeypatch.setattr(guardians, "running_stacks", lambda: [stack])
        monkeypatch.setattr(doctor, "DEFAULT_PORTS", (port,))
        (check,) = doctor._ports()
    assert (check.level, check.text) == ("ok", "used by the stack shop")


def test_a_line_of_the_overrides_that_says_nothing_is_found_by_its_number(tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("# mine\nDEBUG=1\n\nDEBUG 0\n")
    (check,) = doctor._overrides()
    assert (check.level, check.text) == ("error", "line 4: not NAME=value")


@protected_by(
    "the doctor warns of a .env.local that others can read",
    Cut("stack/commands/doctor.py", "elif path.stat().st_mode & 0o077:", "elif False:"),
)
def test_overrides_that_other_users_can_read_are_a_warning(tmp_path: Path) -> None:
    file = tmp_path / ".env.local"
    file.write_text("DEBUG=1\n")
    file.chmod(0o644)
    (check,) = doctor._overrides()
    assert (check.level, check.advice) == ("warning", "Run `chmod 600 .env.local`.")
    file.chmod(0o600)
    assert [check.level for check in doctor._overrides()] == ["ok"]


def test_a_check_that_fails_itself_is_a_warning_not_a_traceback() -> None:
    def _broken() -> None:
        raise OSError("no /proc here")

    assert doctor._results(_broken) == [
        Check(name="broken", level="warning", text="cannot be checked: no /proc here")
    ]


def test_every_check_that_is_not_well_says_what_to_do() -> None:
    text = doctor.to_text([Check(name="disk", level="error", text="full", advice="Free some.")])
    assert text.splitlines()[0].startswith("error    disk")
    assert text.splitlines()[1].strip() == "-> Free some."


def test_json_has_every_check_with_its_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "check_machine", lambda: [Check(name="uv", level="ok", text="1.0")])
    assert doctor.run(as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "uv", "level": "ok", "text": "1.0", "advice": ""}]
