"""One module a metadata dialect: ``read(evidence)`` returns what its program wrote, or None."""
