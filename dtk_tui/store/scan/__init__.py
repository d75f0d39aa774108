"""SQL of a scan: listings, staging, readings, raw metadata."""
