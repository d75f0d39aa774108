"""The query language: nodes, tokens, scanner, parser."""
