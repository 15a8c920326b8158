"""Where states are kept: one module per backend."""
