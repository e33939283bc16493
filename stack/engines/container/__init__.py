"""Services as containers, by Docker or Podman."""
