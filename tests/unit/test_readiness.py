"""What is seen, shown and said of a service that does not become ready."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from supervisor_harness import CHECK, OK, REFUSED, WRONG, Harness, service

from stack.guardian import readiness
from stack.health import checks, probes
from stack.health.probes import CommandProbe, HttpProbe, Kind, Observation, Probe, observe
from stack.records import timeline
from stack.system import ports, processes


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr(readiness, "SHOWN_AFTER_S", 0.0)
    return Harness(tmp_path, monkeypatch)


def test_people_are_shown_what_the_probes_observe_once_for_each_reason(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["web"] = [REFUSED, REFUSED, REFUSED, WRONG]
        patient = dataclasses.replace(service("web"), healthcheck=dataclasses.replace(CHECK, retries=9))
        async with harness.start(patient) as stack:
            await stack.supervisor.bring_up()
            told = [e.text for e in timeline.read(stack.run) if e.state == "starting" and e.text]
            assert told == ["not ready yet: ask: connection refused", "not ready yet: ask: HTTP 500"]

    asyncio.run(play())


def test_the_verdict_names_ports_and_ended_workers(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["web"] = [REFUSED]
        children = iter([[10 * n, 10 * n + 1] for n in range(1, 1000)])
        harness.patch.setattr(processes, "workers", lambda pid, *, shells: next(children))
        harness.patch.setattr(processes, "listening", lambda pid: {8091})
        harness.patch.setattr(processes, "processor_s", lambda pid: 0.0)
        async with harness.start(service("web")) as stack:
            run = stack.supervisor.runs["web"]
            run.plan = dataclasses.replace(run.plan, ports={80: 20001})
            stack.engine.pid = 7
            (verdict,) = await stack.supervisor.bring_up()
            assert verdict.symptom == "workers end"
            assert "it listens at 8091 instead of 20001; its worker processes have ended 1" in verdict.reason

    asyncio.run(play())


def test_workers_that_end_again_and_again_end_the_wait_for_an_answer(harness: Harness) -> None:
    async def no_answer(probe: Probe, timeout_s: float) -> Observation:
        await asyncio.sleep(timeout_s)
        raise AssertionError("the probe was waited for")

    async def play() -> None:
        harness.patch.setattr(probes, "observe", no_answer)
        harness.patch.setattr(readiness, "LOOK_S", 0.001)
        children = iter([[10 * n, 10 * n + 1] for n in range(1, 1000)])
        harness.patch.setattr(processes, "workers", lambda pid, *, shells: next(children))
        slow = dataclasses.replace(CHECK, timeout_s=60.0)
        async with harness.start(dataclasses.replace(service("web"), healthcheck=slow)) as stack:
            stack.engine.pid = 7
            (verdict,) = await stack.supervisor.bring_up()
            assert verdict.symptom == "workers end"
            assert "ask: no answer yet; its worker processes have ended 1" in verdict.reason

    asyncio.run(play())


def test_the_port_that_counts_is_the_one_that_the_check_asks(harness: Harness) -> None:
    harness.patch.setattr(processes, "listening", lambda pid: {8000})
    harness.patch.setattr(ports, "is_free", lambda port: True)

    async def seen(probe: Probe, timeout_s: float) -> Observation:
        return REFUSED

    async def play() -> None:
        harness.patch.setattr(probes, "observe", seen)
        async with harness.start(service("web"), deadline_s=0.2) as stack:
            run = stack.supervisor.runs["web"]
            run.plan = dataclasses.replace(run.plan, ports={8000: 8000})
            stack.engine.pid = 7
            probe = HttpProbe(host="localhost", port=8001, path="/")
            harness.patch.setattr(checks, "choose", lambda plan, *place: probe)
            (verdict,) = await stack.supervisor.bring_up()
            assert "it listens at 8000 instead of 8001" in verdict.reason
            assert verdict.symptom == "other port"

    asyncio.run(play())


def test_a_postgres_that_recovers_may_refuse_many_connections(harness: Harness) -> None:
    """It makes a process for each: that they end says nothing of the server."""

    async def play() -> None:
        harness.scripts["db"] = [WRONG] * 12 + [OK]
        children = iter([[10 * n, 10 * n + 1] for n in range(1, 1000)])
        harness.patch.setattr(processes, "workers", lambda pid, *, shells: next(children))
        patient = dataclasses.replace(service("db"), healthcheck=dataclasses.replace(CHECK, retries=99))
        async with harness.start(patient) as stack:
            run = stack.supervisor.runs["db"]
            run.plan = dataclasses.replace(run.plan, server_image="postgres:15")
            stack.engine.pid = 7
            (verdict,) = await stack.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("ready", "well")

    asyncio.run(play())


def test_ports_are_looked_at_only_where_a_refusal_leaves_them_open(harness: Harness) -> None:
    """One look costs up to 30 ms of processor: a service that answers shows its port by its answer."""
    looks: list[int] = []

    async def play(answer: Observation) -> int:
        looks.clear()
        harness.scripts["web"] = [answer] * 40
        patient = dataclasses.replace(service("web"), healthcheck=dataclasses.replace(CHECK, retries=40))
        async with harness.start(patient, deadline_s=0.5) as stack:
            run = stack.supervisor.runs["web"]
            run.plan = dataclasses.replace(run.plan, ports={80: 20001})
            stack.engine.pid = 7
            await stack.supervisor.bring_up()
        return len(looks)

    def listening(pid: int) -> set[int]:
        looks.append(pid)
        return {20001}

    harness.patch.setattr(processes, "listening", listening)
    assert asyncio.run(play(WRONG)) == 0
    assert 1 <= asyncio.run(play(REFUSED)) <= 8  # each look waits twice as long as the one before


def test_an_answer_that_comes_after_the_timeout_of_the_check_is_slow_not_a_hang(harness: Harness) -> None:
    async def play() -> None:
        async def seen(probe: Probe, timeout_s: float) -> Observation:
            return Observation(kind="hang", detail="no answer") if timeout_s < 1 else WRONG

        harness.patch.setattr(probes, "observe", seen)
        async with harness.start(service("web"), deadline_s=0.01) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert (verdict.kind, verdict.symptom) == ("timed out", "slow")
            assert "ask: HTTP 500, but not within the 0.5 s of its health check" in verdict.reason

    asyncio.run(play())


@pytest.mark.parametrize(
    ("argv", "code", "output", "kind"),
    [
        (("curl", "-f", "http://x/"), 7, "", "refused"),
        (("/bin/sh", "-c", "curl -f http://x/ || exit 7"), 7, "", "refused"),
        (("sh", "-c", "curl -fsS http://x/ || exit 1"), 1, "curl: (7) Failed to connect to x", "refused"),
        (("python", "-c", "..."), 1, "ConnectionRefusedError: [Errno 111] Connection refused", "refused"),
        (("curl", "-f", "http://x/"), 22, "curl: (22) error: 500", "wrong"),
        (("check",), 7, "", "wrong"),
        (("check",), 127, "sh: 1: check: not found", "no program"),
        (("sh", "-c", "check || exit 1"), 1, "sh: 1: check: not found", "no program"),
    ],
)
def test_a_check_that_could_not_connect_is_told_from_one_that_fails(
    argv: tuple[str, ...], code: int, output: str, kind: str
) -> None:
    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        return code, output

    probe = CommandProbe(argv=argv, execute=execute, timeout_s=1)
    assert asyncio.run(observe(probe, 1)).kind == kind


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(404, True), (403, True), (429, False), (408, False), (500, False), (503, False)],
)
def test_waiting_changes_a_server_s_error_but_not_a_client_s(status: int, permanent: bool) -> None:
    async def play() -> Observation:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status} ?\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await observe(HttpProbe(host="127.0.0.1", port=port, path="/"), 5)

    assert asyncio.run(play()).permanent is permanent


@pytest.mark.parametrize(("kind", "deadline_s"), [("hang", 0.3), ("no end", 1.5)])
def test_a_last_probe_that_had_no_time_for_its_answer_is_no_evidence(
    harness: Harness, kind: Kind, deadline_s: float
) -> None:
    observations = iter([REFUSED])

    async def seen(probe: Probe, timeout_s: float) -> Observation:
        if (first := next(observations, None)) is not None:
            return first
        await asyncio.sleep(timeout_s)
        return Observation(kind=kind, detail=f"no answer in {timeout_s:.2g} s")

    async def play() -> None:
        harness.patch.setattr(probes, "observe", seen)
        patient = dataclasses.replace(service("web"), healthcheck=dataclasses.replace(CHECK, timeout_s=30.0))
        async with harness.start(patient, deadline_s=deadline_s) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert "nothing answers: connection refused" in verdict.reason

    asyncio.run(play())
