"""Pictures on the whole screen: zoomed and moved."""
