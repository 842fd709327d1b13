"""Goals: what somebody reached that the brand wished for, as its other systems tell."""
