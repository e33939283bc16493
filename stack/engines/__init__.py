"""What runs services: Docker, Podman, or plain local processes."""
