"""What the suite is run with, and the health checks of its services."""

from __future__ import annotations

import os
from typing import Any

ENGINE = os.environ.get("FAULTS_ENGINE", "local")
CONTAINERS = ENGINE != "local"
LONG = os.environ.get("FAULTS_LONG") == "1"
PATIENCE_S = float(os.environ.get("FAULTS_PATIENCE_S", "60"))
CHECK: dict[str, Any] = {
    "test": ["CMD", "curl", "-f", "http://localhost:8000/"],
    "interval": "1s",
    "timeout": "3s",
    "retries": 2,
    "start_period": "20s",
    "start_interval": "100ms",
}
HASTY: dict[str, Any] = {**CHECK, "interval": "500ms", "timeout": "500ms", "start_period": "1s"}
"""For a service that will not become ready: its verdict comes soon."""

PATIENT = {**HASTY, "retries": 1, "start_period": "60s"}
"""For a service that becomes ready late."""
