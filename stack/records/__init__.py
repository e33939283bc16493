"""Files in which commands and guardians meet."""
