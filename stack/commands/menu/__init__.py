"""The tasks that people type: each translates its words into one call of stack/commands/."""
