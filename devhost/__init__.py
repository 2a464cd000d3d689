"""Everything that runs the control plane on one machine; never shipped."""
