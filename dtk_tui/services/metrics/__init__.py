"""The numbers of a library for Prometheus."""
