"""Real HTTP servers that speak the providers' protocols, with their limits and faults."""
