"""Lists and tables of any length, and the rows that they show."""
