"""The standby of a stack, ready to do data commands at once: ``python -m stack.commands.standby STACK``.

The guardian keeps it as long as the stack is up. For each command it forks a copy of itself, which works with
the command's own streams and environment, as the command would: most of what a short command costs is
starting Python and importing. The first copy makes the spare database.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ParamSpec

import psycopg2.extras  # noqa: F401  imported where it is used, here so that the copies have it

from stack.commands import backup, exit_code, prune, reset_db, restore, snapshot, spare
from stack.control.choice import Choice
from stack.display import typed_commands
from stack.engines.container import resources  # noqa: F401  as above
from stack.engines.local import postgres_data, servers  # noqa: F401  as above
from stack.records import folders, standby
from stack.records.standby import TAKEN, Request
from stack.system.directories import ROOT

P = ParamSpec("P")
QUEUE = 16
WORK: dict[str, Callable[..., None]] = {
    "backup": backup.run,
    "reset_db": reset_db.run,
    "restore": restore.run,
    "snapshot": snapshot.run,
}
USES_KEYS: dict[str, Callable[..., bool]] = {"backup": backup.uses_keys, "restore": restore.uses_keys}
"""Whether a command needs its own terminal, or starts what outlives the stack: it does the work itself."""


def main(arguments: list[str]) -> None:
    """Serve commands until the engine's own code changes; the guardian then starts another one."""
    stack, files = arguments[0], _own_files()
    modified = _modified(files)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets copies that have ended
    path = folders.standby_socket(stack)
    path.unlink(missing_ok=True)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        _fork(listener, spare.make, stack)
        listener.bind(str(path))
        listener.listen(QUEUE)
        while True:
            link, _ = listener.accept()
            with closing(link):
                if _modified(files) != modified:
                    return
                _fork(listener, _serve, stack, link)


def _own_files() -> list[Path]:
    """Return the files of the engine that this process has imported."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return [Path(file) for file in files if file and Path(file).is_relative_to(ROOT / "stack")]


def _modified(files: list[Path]) -> list[float]:
    return [file.stat().st_mtime if file.exists() else 0.0 for file in files]


def _fork(listener: socket.socket, work: Callable[P, None], *words: P.args, **named: P.kwargs) -> None:
    """Do ``work`` in a copy of this process."""
    if os.fork() != 0:
        return
    try:
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # it waits for programs of its own
        signal.signal(signal.SIGINT, signal.default_int_handler)
        work(*words, **named)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  a bug of ours: whoever asked sees it, and gets no exit code
        traceback.print_exc()
    finally:
        os._exit(0)


def _serve(stack: str, link: socket.socket) -> None:
    """Do what a command asks for, and tell it the exit code."""
    request, streams = standby.receive(link)
    if request.code != str(ROOT):
        return
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    if request.word in USES_KEYS and USES_KEYS[request.word](**request.options):
        return
    if request.word == spare.WORD:
        for stream in streams:
            os.close(stream)
        link.sendall(TAKEN)
        spare.make(stack, **request.options)
        return
    over = threading.Event()
    with _streams(streams), typed_commands.repeating(request.stack_options), spare.postponed() as due:
        link.sendall(TAKEN)
        code = exit_code.run(lambda: _work(stack, request, link, over))
    over.set()
    with suppress(OSError):  # whoever asked was killed meanwhile
        link.sendall(bytes([code]))
    for options in due:
        spare.make(stack, **options)


@contextmanager
def _streams(streams: list[int]) -> Iterator[None]:
    """Read and print by the streams of a command, and by none of them any more once its work is done."""
    own = [os.dup(number) for number in range(len(streams))]
    _become_standard(streams)
    try:
        yield
    finally:
        with suppress(OSError):  # whoever read it has ended
            sys.stdout.flush()
        _become_standard(own)


def _become_standard(streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)


def _work(stack: str, request: Request, link: socket.socket, over: threading.Event) -> None:
    threading.Thread(target=_interrupt_with, args=(link, over), daemon=True).start()
    prune.clean_up_killed_stacks()
    WORK[request.word](Choice(kind=stack), **request.options)


def _interrupt_with(link: socket.socket, over: threading.Event) -> None:
    """Wait until the command closes its side; do as Ctrl-C does unless the work is over."""
    link.recv(1)
    if not over.is_set():
        os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main(sys.argv[1:])
