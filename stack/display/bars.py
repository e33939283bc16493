"""Pictures of what took how long, as HTML: how a stack came up, and a trace."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from stack.display import trace_lines
from stack.display.markup import Html, join, tag
from stack.health import verdicts
from stack.records import traces
from stack.records.run_record import RunRecord, ServiceRecord, Step
from stack.records.traces import Span

TICKS = 6
SPANS_SHOWN = 200


class Bar(NamedTuple):
    """A part of a row from one second to another; ``kind`` is its class, ``title`` is said of it."""

    kind: str
    begin_s: float
    end_s: float
    title: str


def duration(seconds: float) -> str:
    """Return a duration with a unit that fits."""
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def gantt(record: RunRecord) -> Html:
    """Return how the services came up; those that decided how long it took are marked."""
    ends = [each.settled_s for each in record.services if each.settled_s is not None]
    total_s = max([*ends, *(step.end_s for each in record.services for step in each.steps), 0.001])
    rows = [_service_row(each, record, total_s) for each in record.services]
    return tag("div", _scale(total_s), *rows, class_="bars", role="list")


def _service_row(service: ServiceRecord, record: RunRecord, total_s: float) -> Html:
    chained, failed = service.name in record.chain, service.state in verdicts.BAD
    never_up = failed and not service.came_up
    bars = [_step_bar(step, service, chained=chained, failed=never_up) for step in _steps(service, total_s)]
    settled_s = total_s if service.settled_s is None else service.settled_s
    after_s = service.ready_after_s
    end = (
        service.state
        if after_s is None
        else f"{duration(after_s)} {service.state if failed else ''}".rstrip()
    )
    name = tag("b", service.name, title="on the critical chain") if chained else tag("span", service.name)
    return _row(name, bars, total_s, end, settled_s)


def _steps(service: ServiceRecord, total_s: float) -> list[Step]:
    """Return the steps, and the last one up to the end where the service never had a verdict."""
    if service.settled_s is not None or not service.steps:
        return service.steps
    return [*service.steps, Step(state=service.state, begin_s=service.steps[-1].end_s, end_s=total_s)]


def _step_bar(step: Step, service: ServiceRecord, *, chained: bool, failed: bool) -> Bar:
    kind = {"building": "builds", "waiting": "waits"}.get(step.state, "chain" if chained else "starts")
    if failed and step.state == "starting":
        kind = "fails"
    return Bar(
        kind,
        step.begin_s,
        step.end_s,
        f"{service.name}: {step.state} for {duration(step.end_s - step.begin_s)}",
    )


def waterfall(spans: Sequence[Span]) -> Html:
    """Return a trace: each span below its parent, with its time; its attributes open below it."""
    if not spans:
        return Html("")
    begin_ns = min(span.start_ns for span in spans)
    total_s = max((max(span.end_ns for span in spans) - begin_ns) / 1e9, 0.000001)
    colours = {service: str(number % 6) for number, service in enumerate(traces.services(spans))}
    rows = [
        _span_row(span, depth, (span.start_ns - begin_ns) / 1e9, total_s, colours[span.service])
        for depth, span in itertools.islice(traces.tree(spans), SPANS_SHOWN)
    ]
    more = len(spans) - len(rows)
    note = tag("p", f"and {more} more spans", class_="quiet") if more else None
    return join([tag("div", _scale(total_s), *rows, class_="bars spans", role="list"), note])


def _span_row(span: Span, depth: int, begin_s: float, total_s: float, colour: str) -> Html:
    kind = "fails" if span.failed else f"service{colour}"
    end_s = begin_s + span.seconds
    label = trace_lines.label(span)
    name = tag(
        "span",
        tag("i", span.service, class_=f"key service{colour}"),
        f" {label}",
        style=f"padding-left:{min(depth, 12) * 0.9:.1f}em",
        title=f"{span.service}: {label}",
    )
    bar = Bar(kind, begin_s, end_s, f"{span.service} {label}: {duration(span.seconds)}")
    return _row(name, [bar], total_s, duration(span.seconds), end_s)


def _row(name: Html, bars: Sequence[Bar], total_s: float, end: str, end_s: float) -> Html:
    drawn = [
        tag(
            "span",
            class_=f"bar {bar.kind}",
            title=bar.title,
            style=f"left:{_percent(bar.begin_s, total_s)};width:{_percent(bar.end_s - bar.begin_s, total_s)}",
        )
        for bar in bars
    ]
    place = f"left:{_percent(end_s, total_s)}"
    track = tag("div", *drawn, tag("span", end, class_="end", style=place), class_="track")
    return tag("div", tag("div", name, class_="name"), track, class_="row", role="listitem")


def _scale(total_s: float) -> Html:
    unit_s, unit = next((u for u in ((1.0, "s"), (1e-3, "ms")) if total_s >= u[0]), (1e-6, "µs"))
    ticks = [
        tag("span", f"{at_s / unit_s:g} {unit}", class_="tick", style=f"left:{_percent(at_s, total_s)}")
        for at_s in _ticks(total_s)
    ]
    track = tag("div", *ticks, class_="track")
    return tag("div", tag("div", class_="name"), track, class_="row scale", aria_hidden="true")


def _ticks(total_s: float) -> list[float]:
    """Return round moments from 0 to the end."""
    step = 10.0**-6
    for step in (factor * 10.0**power for power in range(-7, 12) for factor in (1, 2, 5)):
        if total_s / step <= TICKS:
            break
    return [step * number for number in range(int(total_s / step) + 1)]


def _percent(part_s: float, total_s: float) -> str:
    return f"{max(0.0, min(part_s / total_s, 1.0)) * 100:.3f}%"
