"""The source of an import: the SQLite file of Diffusion Toolkit, opened without ever writing to it."""
