"""The commands of ``dtk`` in one table, each loaded when it is named."""
