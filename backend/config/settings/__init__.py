"""Settings: one module an environment, all on top of `base`."""
