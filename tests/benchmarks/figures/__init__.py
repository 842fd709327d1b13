"""One file a figure; registry.py lists them."""
