"""The operating system: programs, processes, folders, signals."""
