"""A mirror of crates.io on the loopback interface, which serves what cargo's own store on this computer holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


@contextmanager
def mirror(store: Path) -> Iterator[str]:
    """Serve the crates of a `registry` folder; gives the address that cargo takes (The Cargo Book, Registry Index, sparse)."""
    index = {path.name: _lines(path) for path in (store / "index").glob("*/.cache/**/*") if path.is_file()}
    crates = {path.name: path for path in (store / "cache").glob("*/*.crate")}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            *_, last = self.path.split("/")
            if last == "config.json":
                self._say(json.dumps({"dl": f"http://127.0.0.1:{self.server.server_port}/{{crate}}-{{version}}.crate"}).encode())
            elif last in crates:
                self._say(crates[last].read_bytes())
            elif last in index:
                self._say(index[last])
            else:
                self.send_error(404)

        def _say(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"sparse+http://127.0.0.1:{server.server_port}/of-tests/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _lines(kept: Path) -> bytes:
    """The index's lines of one crate, out of what cargo keeps of them: a header, then version and line in turn, between NULs."""
    return b"\n".join(part for part in kept.read_bytes().split(b"\0") if part.startswith(b'{"name"'))
