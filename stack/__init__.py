"""The engine of the integration environment: no command line, no printing."""

__version__ = "0.1.0"
