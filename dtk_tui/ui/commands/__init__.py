"""What a person can do: the actions, and the palette that offers them."""
