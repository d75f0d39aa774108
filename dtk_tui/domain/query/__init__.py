"""The query language: nodes, scanner, values and dates, the table of tokens, parser."""
