"""What Siyu is measured beside: one file a peer, each the simplest honest program that does the same."""
