"""The API gateway: health, documentation, and the way through to the backend."""
