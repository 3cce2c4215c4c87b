"""evocircuits: small circuits of excitatory and inhibitory spiking neurons, evolved and built into trained networks."""
