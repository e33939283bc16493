"""Resets, snapshots and backups of a real stack; killed, damaged, disguised."""
