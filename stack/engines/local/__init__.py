"""Services as plain processes of this machine."""
