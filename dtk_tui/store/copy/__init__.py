"""Encoders of PostgreSQL's COPY formats."""
