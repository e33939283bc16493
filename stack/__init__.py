"""The engine of the integration environment: no command line, no printing."""
