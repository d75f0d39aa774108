"""What could keep this program from working well here: one file a subject, each a series of findings."""
