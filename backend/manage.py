"""Django's command line."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    if "run_worker" in sys.argv[1:2]:  # it shares its rows with buyers: it waits for none of them for ever
        os.environ.setdefault("DATABASE_TIMEOUTS", "true")
    from django.core.management import execute_from_command_line

    from config import tracing
    from config.env import BadEnvironment

    if not tracing.is_enabled():
        tracing.keep_from_redis()
    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as refusal:
        print(f"The backend does not start: {refusal}", file=sys.stderr)
        raise SystemExit(3) from None


if __name__ == "__main__":
    main()
