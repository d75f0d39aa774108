"""rate, flag: what a person gives images, of which all can be taken back."""
