"""What belongs to the query line: examples, completion, saved queries and history."""
