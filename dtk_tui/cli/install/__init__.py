"""What belongs to an installation: its version, the manual page, the service of the worker."""
