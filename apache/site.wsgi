"""What mod_wsgi loads. The settings file is named by `SetEnv JCN_SITE_SETTINGS` in site.conf."""

import functools
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import jcn_site

site = functools.lru_cache(maxsize=1)(jcn_site.create_app)


def application(environ, start_response):
    return site(environ["JCN_SITE_SETTINGS"])(environ, start_response)
