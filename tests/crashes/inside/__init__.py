"""Code that runs inside the shop's processes, in the backend's environment."""
