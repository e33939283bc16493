"""What a command and a standby say to each other."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from stack.control import standby
from stack.errors import GuardianLost
from stack.guardian import standby as guardian_standby
from stack.plan.plan import Plan
from stack.records import folders, state
from stack.records import standby as protocol
from stack.records.request import Request as GuardianRequest
from stack.records.standby import TAKEN, Request
from stack.system import private_folder
from stack.system.directories import ROOT

STACK = "shop"
Answer = Callable[[socket.socket, Request], None]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))


@contextmanager
def listening(answer: Answer) -> Iterator[None]:
    """Serve one request as long as the block lasts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path = folders.standby_socket(STACK)
        private_folder.make(path.parent)
        listener.bind(str(path))
        listener.listen(1)

        def serve() -> None:
            link, _ = listener.accept()
            with link:
                request, streams = protocol.receive(link)
                for stream in streams:
                    os.close(stream)
                answer(link, request)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join(10)
            path.unlink()
            state.remove_shared_folders()


def test_a_standby_gets_the_options_and_the_environment_and_returns_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ODD", os.fsdecode(b"\xff"))
    seen: list[Request] = []

    def answer(link: socket.socket, request: Request) -> None:
        seen.append(request)
        link.sendall(TAKEN + bytes([37]))

    with listening(answer):
        assert standby.run(STACK, "reset_db", {"empty": True}, {"stack": "ci"}) == 37
    assert (seen[0].word, seen[0].options) == ("reset_db", {"empty": True})
    assert seen[0].stack_options == {"stack": "ci"}
    assert seen[0].environment["ODD"] == os.fsdecode(b"\xff")


def test_the_streams_of_the_command_come_along(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        protocol.send(ours, Request(word="w", options={}, environment={}))
        _, streams = protocol.receive(theirs)
        try:
            assert [os.fstat(stream).st_ino for stream in streams] == [os.fstat(n).st_ino for n in (0, 1, 2)]
        finally:
            for stream in streams:
                os.close(stream)


def test_where_none_listens_the_command_is_told_so() -> None:
    assert standby.run(STACK, "reset_db", {}, {}) is None
    assert not standby.begin(STACK, "spare", {})


def test_one_that_does_not_take_the_request_is_as_none() -> None:
    with listening(lambda link, request: None):
        assert standby.run(STACK, "reset_db", {}, {}) is None


def test_one_that_ends_before_the_work_is_done_is_an_error() -> None:
    with listening(lambda link, request: link.sendall(TAKEN)), pytest.raises(GuardianLost) as caught:
        standby.run(STACK, "reset_db", {}, {})
    assert "wholly old or wholly new" in caught.value.hint


def test_one_that_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "LIMIT_S", 0.01)

    def answer(link: socket.socket, request: Request) -> None:
        link.sendall(TAKEN)
        link.recv(1)  # until the command gives up

    with listening(answer), pytest.raises(GuardianLost, match="timed out"):
        standby.run(STACK, "reset_db", {}, {})


def test_one_that_hangs_when_it_is_interrupted_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "LIMIT_S", 0.01)

    class Interrupted(socket.socket):
        """A link whose first wait for the exit code Ctrl-C ends."""

        is_interrupted = False

        def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
            if self.gettimeout() == standby.LIMIT_S and not self.is_interrupted:
                self.is_interrupted = True
                raise KeyboardInterrupt
            return super().recv(bufsize, flags)

    gives_up = threading.Event()

    def answer(link: socket.socket, request: Request) -> None:
        link.sendall(TAKEN)
        gives_up.wait(10)

    with listening(answer):
        monkeypatch.setattr(socket, "socket", Interrupted)
        try:
            with pytest.raises(GuardianLost, match="timed out"):
                standby.run(STACK, "reset_db", {}, {})
        finally:
            gives_up.set()


KILLED_AT_ITS_END = """
import os, socket
from types import SimpleNamespace
from stack.commands import spare, standby
from stack.records import standby as protocol

ours, theirs = socket.socketpair()
request = protocol.Request(word="reset_db", options={}, environment=dict(os.environ))
protocol.send(ours, request)

def work(choice):
    spare.start(SimpleNamespace(name="shop"))
    ours.close()

standby.WORK["reset_db"], standby._interrupt_with = work, lambda link, over: None
spare.make = lambda stack, recipe: print("the spare of", stack)
standby._serve("shop", theirs)
"""


def test_a_copy_whose_command_was_killed_at_its_end_makes_the_spare_all_the_same() -> None:
    argv = [sys.executable, "-c", KILLED_AT_ITS_END]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout) == ("", "the spare of shop\n")


@pytest.mark.parametrize(
    ("ephemeral", "server", "is_kept"), [(False, "db", True), (True, "db", False), (False, None, False)]
)
def test_a_guardian_starts_a_standby_again_and_ends_it_with_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ephemeral: bool, server: str | None, is_kept: bool
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def spawn(argv: list[str], **options: object) -> subprocess.Popen[bytes]:
        assert argv[1:] == ["-m", "stack.commands.standby", STACK]
        program = ["true"] if not started else ["sleep", "60"]
        started.append(subprocess.Popen(program))
        return started[-1]

    monkeypatch.setattr(guardian_standby.programs, "spawn", spawn)
    monkeypatch.setattr(guardian_standby, "PAUSE_S", 0.0)
    monkeypatch.setattr(guardian_standby.stores, "stores_of", lambda plan: SimpleNamespace(server=server))
    request = SimpleNamespace(name=STACK, run=tmp_path, ephemeral=ephemeral)

    async def hold() -> None:
        plan = cast(Plan, SimpleNamespace())
        async with asyncio.timeout(10), guardian_standby.kept(plan, cast(GuardianRequest, request)):
            while is_kept and len(started) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    asyncio.run(hold())
    assert [process.wait(10) for process in started] == ([0, -9] if is_kept else [])


COPY = """
import os, socket
from types import SimpleNamespace
from stack.commands import spare, standby
from stack.records import standby as protocol

def work(choice):
    print("the data is fresh")
    spare.start(SimpleNamespace(name=choice.kind))

standby.WORK["reset_db"] = work
spare.make = lambda stack, **options: print(f"a spare for {stack}", options, flush=True)
ours, theirs = socket.socketpair()
reading, writing = os.pipe()
log = os.dup(1)
os.dup2(writing, 1)
os.close(writing)
protocol.send(ours, protocol.Request(word="reset_db", options={}, environment={}))
os.dup2(log, 1)
standby._serve("shop", theirs)
print("command:", ours.recv(2), os.fdopen(reading).read())
"""


def test_the_copy_that_did_a_command_goes_on_with_the_spare_when_nobody_reads_its_output_any_more() -> None:
    argv = [sys.executable, "-c", COPY]
    done = subprocess.run(argv, check=True, capture_output=True, encoding="utf-8", timeout=60)
    log = ["a spare for shop {'recipe': None}", "command: b'+\\x00' the data is fresh"]
    assert done.stdout.splitlines() == [*log, ""]
