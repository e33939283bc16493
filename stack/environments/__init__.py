"""The environments that services run in on the local engine."""
