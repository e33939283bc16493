"""What people type: `inv up`, `inv logs`, `inv reset-db`, `inv down`; `inv --list` is the menu.

The tasks are defined in stack/commands/menu/, one file a noun; what they do is in stack/commands/.
"""

from __future__ import annotations

import sys

from invoke.collection import Collection

from stack.commands.menu import (
    bare_words,
    data,
    inner_loop,
    inside,
    lifecycle,
    machine,
    observability,
    status,
)

namespace = Collection(
    lifecycle.up, lifecycle.down, lifecycle.stop, lifecycle.start, lifecycle.restart, lifecycle.build,
    status.ps, status.logs, status.stats, status.health, status.config,
    inside.exec_, inside.run, inside.shell, inside.manage, inside.psql, inside.redis_cli,
    data.reset_db, data.seed, data.snapshot, data.backup, data.restore,
    machine.stacks_, machine.doctor, machine.prune,
    inner_loop.run_tests, inner_loop.open_,
    observability.dashboard, observability.runs, observability.report,
)  # fmt: skip
OPTIONS = ("service", "command", "verb", "action", "name", "before", "after", "run", "words", "page", "path")
bare_words.require_verb(namespace, sys.argv[1:])
bare_words.allow(namespace, sys.argv[1:], options=OPTIONS)
