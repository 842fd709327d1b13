"""Files that came with messages: what became of each."""
