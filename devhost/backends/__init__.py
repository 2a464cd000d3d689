"""The real stores the local stack runs on, started as child processes of whoever asks for them."""
