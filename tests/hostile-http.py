# SPDX-License-Identifier: GPL-3.0-or-later
# A web server that answers as its prefix says, and prints its port:  python3 hostile-http.py
# /endless/, /short/, /more/, /other/, /close/, /loop/, /tofile/, /lies/, /status/N/
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        size = int(self.headers.get("Content-Length") or 0)
        if size:
            self.rfile.read(size)
        word, _, rest = self.path[1:].partition("/")
        getattr(self, "do_" + word)(rest)

    do_HEAD = do_PUT = do_GET

    def do_endless(self, rest):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def do_short(self, rest):
        self.reply(200, b"x" * 10, 100000)
        self.close_connection = True

    def do_more(self, rest):
        self.reply(200, b"x" * 1000)
        time.sleep(0.05)
        self.wfile.write(b"and more\r\n")
        time.sleep(0.05)

    def do_other(self, rest):
        self.reply(200, b"x" * 1000)

    def do_close(self, rest):
        self.close_connection = True

    def do_loop(self, rest):
        self.reply(302, Location="/loop/" + rest)

    def do_tofile(self, rest):
        self.reply(302, Location="file:///etc/passwd")

    def do_lies(self, rest):
        self.reply(200, length=4711) if self.command == "HEAD" else self.reply(404)

    def do_status(self, rest):
        self.reply(int(rest.split("/")[0]), b"a page about it")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.handle_error = lambda *args: None
server.serve_forever()
