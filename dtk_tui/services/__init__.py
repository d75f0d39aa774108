"""What the program does, in plain threads: the same services serve the command line and the app."""
