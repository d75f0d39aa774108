"""Devices: what runs a model there, how precisely, and in which batches."""
