"""Ports: what the domain needs of the world. Each is a Protocol with its in-memory class beside it."""
