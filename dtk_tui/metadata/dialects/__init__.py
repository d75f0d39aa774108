"""One module a metadata dialect: ``read(fields)`` returns what its program wrote, or None."""
