"""The administrator's values, from a TOML file; apache/site.toml is a sample that says what each
means."""

import dataclasses
import os
import tomllib
import urllib.parse

import flask


@dataclasses.dataclass(frozen=True)
class Settings:
    folder: str  # where the root's files are
    root: str  # its name in jcn
    token_file: str  # with the token for jcn; all processes of the site make their proofs of it
    jcn: str = "http://127.0.0.1:8640"
    name: str = "Videos"
    hosts: tuple = ()  # names that the site is called by, besides those of this machine
    max_upload_bytes: int = 4 << 30
    page_size: int = 24
    worker: str = ""  # where videos are sent to be processed, see worker.py
    address: str = ""  # of this site for that worker; else what the uploader called it by
    timeout: float = 5.0  # seconds that jcn may take for an answer; for what is written, 15
    token: str = ""  # the content of token_file


def read(file):
    """Settings of a file; ValueError or OSError if it can't be used."""
    with open(file, "rb") as source:
        values = tomllib.load(source)
    fields = {each.name: each.type for each in dataclasses.fields(Settings) if each.name != "token"}
    for name, value in values.items():
        if name not in fields:
            raise ValueError(f"{file}: there is no setting {name!r}")
        wanted = {float: (int, float), tuple: list}.get(fields[name], fields[name])
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{file}: {name} is no {fields[name].__name__}")
    for name in ("folder", "root", "token_file"):
        if not values.get(name):
            raise ValueError(f"{file}: {name} is missing")
    values["address"] = values.get("address", "").rstrip("/")
    own = urllib.parse.urlsplit(values["address"])
    if values["address"] and (own.scheme not in ("http", "https") or not own.hostname
                              or own.path or own.query or own.fragment):
        raise ValueError(f"{file}: address is none like https://videos.example")
    beside = os.path.dirname(os.path.abspath(file))
    values["folder"] = os.path.join(beside, values["folder"])
    values["hosts"] = tuple(name.lower() for name in (*values.get("hosts", ()), own.hostname) if name)
    values["token_file"] = os.path.join(beside, values["token_file"])
    with open(values["token_file"], encoding="ascii") as source:
        values["token"] = source.readline().strip()
    if not values["token"]:
        raise ValueError(f"{values['token_file']} has no token in its first line")
    return Settings(**values)


def current():
    return flask.current_app.extensions["settings"]


def jcn():
    """The client that this site asks."""
    return flask.current_app.extensions["jcn"]
