"""Rules: what the bot answers and tags by itself; operators change them while it runs."""
