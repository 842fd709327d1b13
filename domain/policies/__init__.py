"""Policies: questions with a plain answer, as pure functions."""
