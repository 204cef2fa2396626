"""The WSGI application: ``gunicorn wsgi:app`` serves it."""

from twiml_app.app import create_app

app = create_app()
