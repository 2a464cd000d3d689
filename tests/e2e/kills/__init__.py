"""The host killed at every step of failover and failback, with real stores underneath."""
