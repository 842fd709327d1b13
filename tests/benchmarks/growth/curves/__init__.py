"""One file a curve, or a few that share their data."""
