"""The process that holds a stack."""
