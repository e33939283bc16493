"""Whether a service is ready."""
