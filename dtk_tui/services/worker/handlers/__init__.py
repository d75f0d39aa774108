"""What a worker does for each kind of work, one handler a kind."""
