"""Stores in memory that behave as the real ones do, for the simulator and for tests."""
