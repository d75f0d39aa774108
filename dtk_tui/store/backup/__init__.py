"""Backups of a library, and moving it from one server to another; what arrived is compared by digests."""
