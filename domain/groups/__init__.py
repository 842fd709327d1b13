"""Groups: chats of many, where the bot is a member."""
