"""An editor's side of the Debug Adapter Protocol (https://microsoft.github.io/debug-adapter-protocol/)."""

from __future__ import annotations

import json
import socket
import time
from types import TracebackType
from typing import Any, Self

LIMIT_S = 120.0


class Editor:
    """Attached to a debugpy; every wait has a deadline."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = socket.create_connection((host, port), timeout=LIMIT_S)
        self._file = self._connection.makefile("rb")
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def send(self, command: str, **arguments: Any) -> None:
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return the body of its answer."""
        self.send(command, **arguments)
        number = self._number
        answer = self._next(lambda each: each.get("request_seq") == number)
        assert answer["success"], answer
        return answer.get("body") or {}

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the body of the next event of that name, also of one that has come already."""
        for each in self._events:
            if each["event"] == event:
                self._events.remove(each)
                return each.get("body") or {}
        return self._next(lambda each: each.get("event") == event).get("body") or {}

    def attach(self, file: str, line: int, **configuration: Any) -> None:
        """Attach with one breakpoint."""
        self.ask("initialize", adapterID="debugpy", clientID="test", pathFormat="path")
        self.send("attach", **configuration)
        self.wait_for("initialized")
        self.ask("setBreakpoints", source={"path": file}, breakpoints=[{"line": line}])
        self.ask("configurationDone")

    def _next(self, wanted: Any) -> dict[str, Any]:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            length = 0
            while line := self._file.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            message: dict[str, Any] = json.loads(self._file.read(length))
            if wanted(message):
                return message
            if message["type"] == "event":
                self._events.append(message)
        raise AssertionError(f"nothing came within {LIMIT_S} s; events: {[e['event'] for e in self._events]}")
