"""The REST API that Twilio's clients speak: one module a kind of resource, ``api`` brings them together."""
