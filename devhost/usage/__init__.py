"""What running the control plane uses, counted against the real stores, and what that costs a month."""
