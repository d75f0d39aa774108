"""Byte-level readers, one module a container: pixel size and raw metadata texts, nothing decoded."""
