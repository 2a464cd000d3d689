"""The models' runner, and that their documents and mutants agree. The search itself is `make model`."""
