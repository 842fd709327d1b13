"""What a provider is to the bots that are measured: people who write, and the API that takes the answers; a process of its own."""
