"""How a running agent answers people: HTTP and JSON over a UNIX socket that only its own user may open."""
