"""What runs within the shop's own processes, in the backend's environment, and leaves its code alone."""
