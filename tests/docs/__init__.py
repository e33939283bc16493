"""Every console block of the pages for people is typed, and its output compared."""
