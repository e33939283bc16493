"""Services that misbehave: what names each, and the test that fails without."""

from __future__ import annotations

from faults.protection import Cut, Protection

TESTS = "tests/faults/test_services.py::"
VERDICT = f"{TESTS}test_the_verdict_names_what_is_wrong"
SUPERVISOR, CHILD, HEALTH = (
    "stack/guardian/supervisor.py",
    "stack/engines/local/process.py",
    "stack/health/verdicts.py",
)
PROBES, LOGS, RUN = "stack/health/probes.py", "stack/records/service_logs.py", "stack/guardian/service.py"

AFTER_EXIT = "if run.wanted:\n            await self._after_exit(run, end)"

EVIDENCE = Cut(
    file=LOGS, taken='self._tail.extend(line.decode(errors="replace").rstrip("\\r") for line in lines[-20:])'
)
"""Without it a verdict comes without the last lines of the log."""

SERVICES = (
    Protection(
        fault="exits 0 at once",
        held_by="an end with 0 counts as completed only where somebody waits for it",
        cuts=(Cut(file=HEALTH, taken="if code == 0 and awaited:", put="if code == 0:"),),
        tests=(f"{VERDICT}[exits_0]",),
    ),
    Protection(
        fault="exits 3 at once",
        held_by="the process is watched, not only asked",
        cuts=(
            Cut(
                file=SUPERVISOR,
                taken="        if run.wanted:\n            await self._after_exit(run, end)\n",
                put="",
            ),
        ),
        tests=(f"{VERDICT}[exits_3]",),
    ),
    Protection(
        fault="exits after ready",
        held_by="the watch goes on after the verdict",
        cuts=(
            Cut(
                file=SUPERVISOR,
                taken=AFTER_EXIT,
                put=AFTER_EXIT.replace("wanted:", "wanted and run.verdict is None:"),
            ),
        ),
        tests=(f"{TESTS}test_a_service_that_dies_after_it_was_ready_is_told_at_once",),
    ),
    Protection(
        fault="ignores TERM",
        held_by="SIGKILL after the grace",
        cuts=(Cut(file=CHILD, taken="os.killpg(self._process.pid, signal.SIGKILL)"),),
        tests=(f"{TESTS}test_a_service_that_ignores_term_is_killed_after_its_grace",),
    ),
    Protection(
        fault="forks twice and leaves, in a PID namespace",
        held_by="the namespace, and behind it the sweep by token: both are out",
        cuts=(
            Cut(
                file="stack/system/kernel.py",
                taken='"--pid", "--fork", "--kill-child=KILL")\nUSER',
                put='"--fork")\nUSER',
            ),
            Cut(file="stack/guardian/guardian.py", taken="if not kernel.in_namespace():", put="if False:"),
        ),
        tests=(f"{TESTS}test_a_grandchild_of_a_service_ends_with_the_stack[namespace]",),
    ),
    Protection(
        fault="forks twice and leaves, without a namespace",
        held_by="the sweep by token at the stack's end",
        cuts=(
            Cut(file="stack/guardian/guardian.py", taken="if not kernel.in_namespace():", put="if False:"),
        ),
        tests=(f"{TESTS}test_a_grandchild_of_a_service_ends_with_the_stack[no namespace]",),
    ),
    Protection(
        fault="holds the log pipe",
        held_by="a process's end is its own, not that of its output",
        cuts=(
            Cut(
                file=CHILD,
                taken="if not self._ended.done():\n            self._ended.set_result",
                put="if self._pipe >= 0:\n            self._loop.call_later(0.05, self._finish, code)\n"
                "            return\n        if not self._ended.done():\n            self._ended.set_result",
            ),
        ),
        tests=(f"{VERDICT}[holds_the_pipe]",),
    ),
    Protection(
        fault="floods the log",
        held_by="the older half of a full log is let go",
        cuts=(Cut(file=LOGS, taken="if self._size + len(data) > self._limit // 2:", put="if False:"),),
        tests=(f"{TESTS}test_a_flood_of_log_lines_fills_no_disk_and_stops_nothing",),
    ),
    Protection(
        fault="never listens",
        held_by="the check's own patience ends",
        cuts=(Cut(file=HEALTH, taken="if now_s >= progress.patience_s():", put="if False:"),),
        tests=(f"{VERDICT}[never_listens]",),
    ),
    Protection(
        fault="listens, never answers",
        held_by="a deadline for every probe",
        cuts=(Cut(file=PROBES, taken="async with asyncio.timeout(timeout_s):", put="if timeout_s:"),),
        tests=(f"{VERDICT}[never_answers]",),
    ),
    Protection(
        fault="answers one byte a second",
        held_by="that deadline is the whole answer's, not that of a read",
        cuts=(
            Cut(file=PROBES, taken="async with asyncio.timeout(timeout_s):", put="if timeout_s:"),
            Cut(
                file=PROBES,
                taken="(chunk := await reader.read(4096)):",
                put="(chunk := await asyncio.wait_for(reader.read(4096), 3)):",
            ),
        ),
        tests=(f"{VERDICT}[drips]",),
    ),
    Protection(
        fault="answers 500, then 200",
        held_by="failures within start_period do not count",
        cuts=(Cut(file=HEALTH, taken="if now_s < check.start_period_s:", put="if False:"),),
        tests=(f"{TESTS}test_a_recovery_is_no_failure",),
    ),
    Protection(
        fault="answers 500 for ever",
        held_by="a status of 400 and more is no answer",
        cuts=(Cut(file=PROBES, taken="if status < 400:", put="if status:"),),
        tests=(f"{VERDICT}[answers_500]",),
    ),
    Protection(
        fault="answers 200 for 2 s, then 500",
        held_by="a ready service is asked further",
        cuts=(Cut(file=SUPERVISOR, taken="if failures == check.retries:", put="if False:"),),
        tests=(f"{TESTS}test_a_ready_service_that_turns_unhealthy_is_told",),
    ),
    Protection(
        fault="answers on the wrong port",
        held_by="the ports at which it listens are looked up",
        cuts=(Cut(file=RUN, taken="if not ports or ports & set(self.plan.ports.values()):", put="if True:"),),
        tests=(f"{VERDICT}[wrong_port]",),
    ),
    Protection(
        fault="binds a taken port: somebody else holds it",
        held_by="a look at the port before the start, and again after the end: both are out",
        cuts=(Cut(file=SUPERVISOR, taken="if not ports.is_free(port):", put="if False:"),),
        tests=(f"{TESTS}test_a_port_that_somebody_else_holds_is_named_with_its_holder",),
    ),
    Protection(
        fault="binds a taken port: its own",
        held_by="its last lines are the evidence",
        cuts=(EVIDENCE,),
        tests=(f"{TESTS}test_a_port_bound_twice_is_the_service_s_own_failure",),
    ),
    Protection(
        fault="needs a dependency that fails",
        held_by="a bad verdict is handed on",
        cuts=(
            Cut(
                file=SUPERVISOR,
                taken="if verdict is None or verdict.good or not need.required:",
                put="if True:",
            ),
        ),
        tests=(f"{TESTS}test_the_first_cause_comes_first_through_a_chain", f"{VERDICT}[exits_3]"),
    ),
    Protection(
        fault="takes 20 s honestly",
        held_by="start_period belongs to the patience",
        cuts=(Cut(file=HEALTH, taken="self.check.start_period_s + self.check", put="self.check"),),
        tests=(f"{TESTS}test_an_honestly_slow_service_is_waited_for",),
    ),
    Protection(
        fault="runs out of memory, and is told so itself",
        held_by="its last lines are the evidence",
        cuts=(EVIDENCE,),
        tests=(f"{TESTS}test_a_service_that_cannot_get_memory_is_known_by_its_own_words",),
    ),
    Protection(
        fault="runs out of memory, and the kernel ends it",
        held_by="the engine is asked why",
        cuts=(
            Cut(
                file="stack/engines/container/container.py",
                taken='oom=oom.strip() == "true"',
                put="oom=False",
            ),
        ),
        tests=(f"{TESTS}test_a_container_that_the_kernel_ends_for_its_memory_is_told_so",),
        engine="docker",
    ),
    Protection(
        fault="fills the disk",
        held_by="its last lines are the evidence",
        cuts=(EVIDENCE,),
        tests=(f"{TESTS}test_a_full_disk_is_named_by_the_service_s_own_words",),
    ),
    Protection(
        fault="writes invalid UTF-8",
        held_by="what is no text is replaced",
        cuts=(
            Cut(file=LOGS, taken='line.decode(errors="replace").rstrip("\\r") for', put="line.decode() for"),
        ),
        tests=(f"{TESTS}test_a_log_that_is_no_text_is_shown_as_text",),
    ),
    Protection(
        fault="writes control codes",
        held_by="they are taken out where people read",
        cuts=(
            Cut(
                file="stack/display/failure.py",
                taken='return "\\n".join(plain(line) for line in lines)',
                put='return "\\n".join(lines)',
            ),
        ),
        tests=(f"{TESTS}test_a_log_that_is_no_text_is_shown_as_text", f"{VERDICT}[writes_nonsense]"),
    ),
)
