"""Serves one tracker on the loopback interface: python serve.py TRACKER PORT.

Roundup's own server refuses to run as root, the usual user in containers and CI. Requests run one after the other,
because SQLite allows one writer.
"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from roundup.cgi.wsgi_handler import RequestDispatcher


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


tracker, port = sys.argv[1], int(sys.argv[2])
application = RequestDispatcher(tracker, feature_flags={"cache_tracker": ""})
make_server("127.0.0.1", port, application, handler_class=Quiet).serve_forever()
