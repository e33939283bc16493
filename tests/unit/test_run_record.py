"""What a run was, as its folder tells: outcome, start, critical chain, tests; what differs between two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.commands import runs as command
from stack.control.choice import Choice
from stack.display import run_changes
from stack.errors import InvalidOption
from stack.records import run_record
from stack.records.run_record import ServiceRecord
from stack.records.timeline import Timeline

NEEDS = {"redis": {}, "web": {"redis": "service_healthy"}, "gateway": {"web": "service_healthy"}}
JUNIT = (
    '<testsuites><testsuite><testcase classname="test_a" name="test_one" time="0.5"><properties>'
    '<property name="trace_id" value="ff"/></properties></testcase>'
    '<testcase classname="test_a" name="test_two" time="{two}">{failure}</testcase>'
    '<testcase classname="test_b" name="test_three" time="0"><skipped message="no"/></testcase>'
    "</testsuite></testsuites>"
)
FAILURE = '<failure message="assert 1 == 2">x</failure>'


def record(
    folder: Path,
    name: str = "run",
    *,
    web_s: float = 2.0,
    end: str = "down",
    two: float = 0.2,
    failure: str = "",
) -> Path:
    """Record a run of three services, each waiting for the one before it."""
    run = folder / name
    times = iter(
        [100.0, 100.0, 100.0, 100.0, 101.0, 101.0, 101.0 + web_s, 101.0 + web_s, 104.0, 104.0, 109.0, 110.0]
    )
    line = Timeline(run, clock=lambda: next(times))
    line.service("redis", "building")
    line.service("web", "waiting", "for redis")
    line.service("gateway", "waiting", "for web")
    line.service("redis", "starting")
    line.service("redis", "ready", "PONG")
    line.service("web", "starting")
    line.service("web", "ready", "HTTP 200")
    line.service("gateway", "starting")
    line.service("gateway", "ready", "HTTP 200")
    line.stack("up")
    if end:
        line.stack("stopping")
        line.stack(end)
    line.close()
    services = {service: {"needs": needs} for service, needs in NEEDS.items()}
    (run / "plan.json").write_text(json.dumps({"services": services}))
    (run / "request.json").write_text(json.dumps({"name": "shop", "engine": "local"}))
    (run / "junit.xml").write_text(JUNIT.format(two=two, failure=failure))
    return run


def test_a_run_is_read_from_its_folder(tmp_path: Path) -> None:
    read = run_record.read(record(tmp_path))
    assert (read.stack, read.engine, read.outcome, read.up_s, read.seconds) == (
        "shop",
        "local",
        "ended",
        4.0,
        10.0,
    )
    assert [(each.name, each.state, each.ready_after_s) for each in read.services] == [
        ("redis", "ready", 1.0),
        ("web", "ready", 2.0),
        ("gateway", "ready", 1.0),
    ]
    web = read.services[1]
    assert [(step.state, step.begin_s, step.end_s) for step in web.steps] == [
        ("waiting", 0, 1),
        ("starting", 1, 3),
    ]
    assert [(test.name, test.outcome, test.trace_id) for test in read.tests] == [
        ("test_one", "passed", "ff"),
        ("test_two", "passed", ""),
        ("test_three", "skipped", ""),
    ]
    assert read.good


def test_the_critical_chain_leads_from_the_last_service_to_the_first_one() -> None:
    def service(name: str, settled_s: float | None, *needs: str) -> ServiceRecord:
        return ServiceRecord(name=name, settled_s=settled_s, needs=list(needs))

    chain = run_record.chain(
        {
            "postgres": service("postgres", 3.0),
            "redis": service("redis", 1.0),
            "web": service("web", 5.0, "postgres", "redis"),
            "worker": service("worker", None, "web"),
            "gateway": service("gateway", 6.0, "web", "gateway", "elsewhere"),
        }
    )
    assert chain == ["postgres", "web", "gateway"]
    assert run_record.chain({}) == []


def test_what_was_ready_only_after_a_service_started_is_not_on_its_chain() -> None:
    """It only had to have started."""
    services = {
        "redis": ServiceRecord(name="redis", started_s=0.1, settled_s=0.2),
        "receiver": ServiceRecord(name="receiver", started_s=0.1, settled_s=0.9),
        "web": ServiceRecord(name="web", started_s=0.2, settled_s=1.0, needs=["redis", "receiver"]),
    }
    assert run_record.chain(services) == ["redis", "web"]


def test_a_service_keeps_the_state_that_it_had_before_the_stack_was_ended(tmp_path: Path) -> None:
    line = Timeline(tmp_path)
    line.service("web", "starting")
    line.service("web", "exited", "exited with code 1")
    line.stack("failed", "web: exited")
    line.service("web", "stopped")
    line.stack("down")
    line.close()
    read = run_record.read(tmp_path)
    assert (read.services[0].state, read.outcome, read.good) == ("exited", "failed: web: exited", False)


@pytest.mark.parametrize(
    ("end", "written", "outcome"),
    [
        ("down", "passed\n", "passed"),
        (
            "down",
            "failed: The integration tests did not pass.\n",
            "failed: The integration tests did not pass.",
        ),
        ("down", "", "ended"),
        ("", "", "killed"),
    ],
)
def test_the_outcome_is_what_was_written_at_the_end_else_what_the_timeline_says(
    tmp_path: Path, end: str, written: str, outcome: str
) -> None:
    run = record(tmp_path, end=end)
    if written:
        (run / run_record.OUTCOME).write_text(written)
    assert run_record.read(run).outcome == outcome
    assert run_record.read(run, alive=True).outcome == "running"


def test_a_folder_of_another_version_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    run = record(tmp_path)
    for name in ("plan.json", "request.json", "junit.xml"):
        (run / name).write_text('{"services": {"web": 7}, "engine": ["x"]')
    (run / "timeline.jsonl").write_bytes(
        b'{"no": "event"}\n\xff\n{"at": 1, "kind": "stack", "state": "down"}\n{"at"'
    )
    read = run_record.read(run)
    assert (read.services, read.tests, read.outcome) == ([], [], "ended")


def test_what_started_to_fail_and_what_became_slower_is_said(tmp_path: Path) -> None:
    before = run_record.read(record(tmp_path, "a", web_s=1.0))
    after = run_record.read(record(tmp_path, "b", web_s=2.0, failure=FAILURE))
    assert [tuple(change.row().values()) for change in run_changes.changes(before, after)] == [
        ("fails now", "the run", "ended", "ended"),
        ("fails now", "test_two", "passed", "failed"),
        ("slower", "start of web", "1.00 s", "2.00 s"),
        ("faster", "start of gateway", "2.00 s", "1.00 s"),
    ]
    back = [(change.change, change.what) for change in run_changes.changes(after, before)]
    assert ("passes now", "test_two") in back
    assert ("faster", "start of web") in back


@pytest.mark.parametrize(
    ("before_s", "after_s", "change"),
    [(0.2, 0.35, []), (10.0, 10.3, []), (1.0, 1.5, ["slower"]), (1.5, 1.0, ["faster"])],
)
def test_small_differences_are_chance(
    tmp_path: Path, before_s: float, after_s: float, change: list[str]
) -> None:
    before, after = (
        run_record.read(record(tmp_path, name, two=two)) for name, two in (("a", before_s), ("b", after_s))
    )
    assert [each.change for each in run_changes.changes(before, after)] == change


@pytest.fixture
def tree(tmp_path: Path) -> Choice:
    runs = tmp_path / ".stack" / "runs"
    record(runs, "20260130-120000-shop-aaa")
    record(runs, "20260131-120000-shop-bbb", failure=FAILURE)
    return Choice(work_tree=tmp_path)


def test_runs_are_listed_the_newest_first(tree: Choice, capsys: pytest.CaptureFixture[str]) -> None:
    command.run(tree, "", "", "")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["RUN", "BEGAN", "ENGINE", "OUTCOME", "START", "TOOK", "TESTS"]
    assert [line.split()[0] for line in lines[1:]] == ["20260131-120000-shop-bbb", "20260130-120000-shop-aaa"]
    assert lines[1].endswith("ended    4.0 s  10.0 s  1 of 3 failed")
    command.run(tree, "list", "", "", as_json=True)
    (newest, _) = json.loads(capsys.readouterr().out)
    assert (newest["failed"], newest["good"], newest["services"]["web"]) == (["test_two"], False, 2.0)


def test_a_long_outcome_is_cut_where_it_is_listed(tree: Choice, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.work_tree / ".stack/runs/20260131-120000-shop-bbb/outcome.txt").write_text("failed: " + "x" * 80)
    command.run(tree, "", "", "")
    assert f"  failed: {'x' * 51}…  " in capsys.readouterr().out


def test_two_runs_are_compared_by_parts_of_their_names(
    tree: Choice, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run(tree, "diff", "aaa", "last")
    assert "fails now  test_two  passed  failed" in capsys.readouterr().out
    command.run(tree, "diff", "aaa", "aaa")
    assert capsys.readouterr().out == (
        "Nothing failed or became slower in 20260130-120000-shop-aaa that did not in "
        "20260130-120000-shop-aaa.\n"
    )


@pytest.mark.parametrize(
    "words", [("diff", "", ""), ("diff", "aaa", ""), ("list", "aaa", ""), ("frob", "", "")]
)
def test_words_that_mean_nothing_are_answered_with_those_that_do(
    tree: Choice, words: tuple[str, str, str]
) -> None:
    with pytest.raises(InvalidOption, match="is not understood") as caught:
        command.run(tree, *words)
    assert "inv runs diff A B" in caught.value.hint
