"""What there is to know of one picture beside its parameters, and what other programs do with it."""
