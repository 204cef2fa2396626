"""The REST API that Twilio's clients use: one module per kind of resource; ``api`` is the WSGI application."""
