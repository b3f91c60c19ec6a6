"""The routes, one module per noun. Each handler is one line of sense: read, ask the service, answer."""
