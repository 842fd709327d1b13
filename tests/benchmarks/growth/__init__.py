"""How cost grows with what an installation holds: the same thing measured at ten thousand, a hundred thousand, a million."""
