"""SQL of what taggers said: thresholds, tags made anew from raw scores."""
