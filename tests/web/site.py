"""A web server on this machine for a built page, which can be made to serve changed files."""

import http.server
import pathlib
import threading
import urllib.parse
from collections.abc import Mapping


class Site:
    """Serves folders from a thread; use as a context.

    Args:
        folders: First part of an address, such as `/golden`, -> folder; `""` for the rest.
    """

    def __init__(self, folders: Mapping[str, pathlib.Path]):
        self.folders = folders
        self.changed: dict[str, bytes] = {}
        site = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                content = site.changed.get(self.path)
                if content is None:
                    super().do_GET()
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def translate_path(self, path):
                parts = urllib.parse.unquote(path).strip("/").split("/")
                name = f"/{parts[0]}"
                if name in site.folders:
                    return str(site.folders[name].joinpath(*parts[1:]))
                return str(site.folders[""].joinpath(*parts))

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Site":
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
