"""The video site: pages over jcn. It keeps nothing of its own; what it knows, jcn told it a moment
ago.

    settings    the administrator's values
    guard       who may do what, tokens of forms, headers of every answer
    videos      a record of jcn's as pages may show it, and the questions that find them
    pages       home, watch, embed, oEmbed
    changing    upload, edit, delete          uploads    a file on its way to the disk
    edits       what a form changes            marks      which files are for editors only
    worker      a worker elsewhere that takes jobs by HTTP        outputs    its files
    rejects     what is wrong with which note  excerpts   the place in it
    status      how jcn is                     pictures   numbers as shapes
    problems    pages for what goes wrong
"""

import flask
import werkzeug.exceptions
import werkzeug.formparser

from jcn_client import Client

from . import changing, guard, pages, problems, rejects, settings, status, text, uploads, worker

# Debian 12's Werkzeug (2.2.2-3+deb12u1) raises this for a field that is too large, but does not
# import it.
werkzeug.formparser.RequestEntityTooLarge = werkzeug.exceptions.RequestEntityTooLarge


class Site(flask.Flask):
    request_class = uploads.Request


def here():
    """A link to the page itself."""
    return "?" + flask.request.query_string.decode("latin-1")


def create_app(settings_file):
    chosen = settings.read(settings_file)
    site = Site(__name__)
    site.config["MAX_CONTENT_LENGTH"] = chosen.max_upload_bytes + uploads.FORM_BYTES
    site.jinja_env.trim_blocks = site.jinja_env.lstrip_blocks = True
    site.jinja_env.filters.update(text.FILTERS)
    site.jinja_env.tests["to_be_tried_again"] = worker.may_try_again
    site.jinja_env.globals.update(form_token=guard.form_token, here=here)
    site.extensions["settings"] = chosen
    site.extensions["jcn"] = Client(chosen.jcn, chosen.token, timeout=chosen.timeout)
    site.context_processor(lambda: {
        "settings": chosen, "form_is_taken": guard.form_is_taken(),
        "for_editors": guard.may_change() or guard.may_sign_in()})
    guard.protect(site)
    problems.register(site)
    for room in (pages, changing, rejects, status, worker):
        site.register_blueprint(room.blueprint)
    return site
