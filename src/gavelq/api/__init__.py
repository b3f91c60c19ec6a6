"""The REST API: FastAPI on the unix socket and, when asked for, on TCP."""
