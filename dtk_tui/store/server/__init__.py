"""The embedded PostgreSQL server: its cluster, account, locks and settings."""
