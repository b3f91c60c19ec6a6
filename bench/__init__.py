"""The figures that gavelq promises, measured beside its peers: `scripts/bench [FIGURE...]`."""
