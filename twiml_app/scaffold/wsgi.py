"""What gunicorn serves: ``gunicorn wsgi:app``."""

from twiml_app.app import create_app

app = create_app()
