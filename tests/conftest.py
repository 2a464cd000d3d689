"""Fixtures every test may ask for."""

pytest_plugins = ["tests.backends", "tests.backends_postgres"]
