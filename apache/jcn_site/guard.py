"""Who may do what.

Pages that change or reveal something are for this machine, or for whom Apache has let in by name
(REMOTE_USER). A form is taken only from a page of this site: browsers say where it came from, and
it carries a token that no other site can read. Every answer tells the browser to run and load
nothing but this site's own files.
"""

import functools
import hashlib
import hmac
import ipaddress
import time
import urllib.parse

import flask
from werkzeug.exceptions import Forbidden, HTTPException

from . import settings

TOKEN_SECONDS = 24 * 3600
THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
          "frame-ancestors {}")


class WrongHost(HTTPException):
    code = 421
    name = "Misdirected Request"
    description = "This site has another name."


def protect(site):
    site.before_request(check_host)
    site.before_request(check_origin)
    site.after_request(add_headers)


def check_host():
    """A name that somebody else let point to this machine does not make their page this site."""
    host = parted("//" + flask.request.host).hostname or ""
    host = f"[{host}]" if ":" in host else host
    if host not in THIS_MACHINE and host not in settings.current().hosts:
        raise WrongHost()


def check_origin():
    request = flask.request
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    fetched = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if fetched != "same-origin" or (origin is not None
                                    and parted(origin).netloc != request.host):
        raise Forbidden("This form was sent by a page of another site.")


def parted(address):
    """An address in its parts, empty ones of what is none."""
    try:
        return urllib.parse.urlsplit(address)
    except ValueError:
        return urllib.parse.urlsplit("")


def user():
    """Whom Apache let in; None where nobody has to say a name."""
    return flask.request.environ.get("REMOTE_USER") or None


def may_change():
    return user() is not None or is_local()


def may_sign_in():
    """Whether Apache asks for a name where one is needed, and so does not tell it elsewhere."""
    return "JCN_SIGN_IN" in flask.request.environ


def form_is_taken():
    """Whether a form in any page will be taken of who reads it: a token is for its user, whom a page
    that asks for no name does not know."""
    return user() is not None or (is_local() and not may_sign_in())


def is_local():
    request = flask.request
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via")):
        return False  # a proxy on this machine speaks for somebody else
    try:
        return ipaddress.ip_address(request.environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def restricted(view):
    """Of a view that is for this machine and for users only."""
    @functools.wraps(view)
    def guarded(*arguments, **options):
        if not may_change():
            raise Forbidden("This page is for users who have signed in.")
        return view(*arguments, **options)
    return guarded


# ---- the token of a form: when it ends, and a proof that this site gave it to this user

def form_token():
    until = str(int(time.time()) + TOKEN_SECONDS)
    return f"{until}.{_proof(until)}"


def check_token():
    """Of a form that was read."""
    until, _, proof = flask.request.form.get("token", "").partition(".")
    right = hmac.compare_digest(proof.encode(), _proof(until).encode())
    if not right or int(until) < time.time():
        raise Forbidden("This form has expired. Go back, load its page again, and send it anew.")


def _proof(until):
    return signature(f"form\0{user() or ''}\0{until}")


def signature(message):
    """What nobody can make for this message who does not have the site's token."""
    key = settings.current().token.encode()
    return hmac.new(hashlib.sha256(b"jcn site\0" + key).digest(), message.encode(),
                    hashlib.sha256).hexdigest()


def add_headers(response):
    frames = "*" if flask.request.endpoint == "pages.embed" else "'none'"
    response.headers["Content-Security-Policy"] = POLICY.format(frames)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    # Editors see more on the same page than others do.
    response.headers.setdefault("Cache-Control", "no-store" if flask.request.method == "POST"
                                else "private, no-cache")
    return response
