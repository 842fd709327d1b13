"""Acts later: whatever happens at a time, at a rate, or more than once."""
