"""What belongs to searches: saved queries, and found pictures in the terminal."""
