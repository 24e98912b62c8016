"""The application: :func:`create_app` wires everything, top to bottom."""

import logging

from flask import Flask
from flask_appbuilder import AppBuilder
from werkzeug.middleware.proxy_fix import ProxyFix

import config as settings
from app import extensions, labels, security, views
from app.services import credentials
from app.services.strongroom import Strongroom


def create_app(configuration=None):
    """A portal with the given settings, or those of the environment."""
    configuration = configuration or settings.current()
    app = Flask(__name__, template_folder="../templates")
    app.config.from_object(configuration)
    app.config["FAB_ROLES"] = security.FAB_ROLES
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)

    if app.config["BEHIND_PROXIES"]:
        count = app.config["BEHIND_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)
    extensions.db.init_app(app)
    extensions.mail.init_app(app)
    views.transactions(app)
    extensions.csrf.init_app(app)
    security.guard(app)
    app.extensions["strongroom"] = Strongroom(app.config)
    app.jinja_env.filters.update(labels.FILTERS)
    with app.app_context():
        app.extensions["fake_password_hash"] = credentials.password_hash("nobody's password")
        appbuilder = AppBuilder()
        appbuilder.init_app(app, extensions.db.session)
        views.register(app, appbuilder)
    return app
