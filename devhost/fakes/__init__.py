"""Stand-ins on loopback for the Azure services that cannot run on one machine."""
