"""The addresses of a running stack."""

from __future__ import annotations

from stack.display.redaction import redact_url
from stack.records.state import StackState


def address_lines(stack: StackState) -> list[str]:
    """Return the addresses of a stack's services as lines, passwords masked, with commands to try them.

    Those of a project that names no ``x-endpoints`` are the ports of each service.
    """
    if not stack.endpoints:
        return _port_lines(stack)
    lines = [f"  {key:<13} {redact_url(value)}" for key, value in stack.endpoints.items()]
    urls = [value for key, value in stack.endpoints.items() if value.startswith("http")]
    checks = [f"{url}/health/" if number == 0 else f"{url}/health" for number, url in enumerate(urls)]
    return [*lines, "  try: " + "   ".join(f"curl {check}" for check in checks)] if checks else lines


def _port_lines(stack: StackState) -> list[str]:
    ports = {
        service: (*table.items(), *stack.further_ports.get(service, ()))
        for service, table in stack.ports.items()
    }
    return [
        f"  {service:<13} {', '.join(f'127.0.0.1:{port} -> {target}' for target, port in pairs)}"
        for service, pairs in ports.items()
        if pairs
    ]
