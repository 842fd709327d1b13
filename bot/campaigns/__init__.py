"""Campaigns as people write them: the form, what is wrong with it, and what stands in the log of each."""
