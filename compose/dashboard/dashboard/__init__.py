"""The dashboard of a stack: it receives traces, reads the records of runs, and shows both on one page."""
