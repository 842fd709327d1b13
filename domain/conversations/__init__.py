"""Conversations: what customers said to us, and whether the bot or a person is answering."""
