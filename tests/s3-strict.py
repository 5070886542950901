# SPDX-License-Identifier: GPL-3.0-or-later
# A bucket in memory that takes only requests whose AWS Signature Version 4 is right, and prints its port:
#   python3 s3-strict.py KEY SECRET [SESSION]
# Errors are S3's: InvalidAccessKeyId, SignatureDoesNotMatch, XAmzContentSHA256Mismatch, AccessDenied for
# what is not there.
import hashlib
import hmac
import http.server
import re
import sys

key, secret = sys.argv[1:3]
session = sys.argv[3] if len(sys.argv) > 3 else None
kept = {}


def mac(k, text):
    return hmac.new(k, text.encode(), hashlib.sha256).digest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def wrong(self, body):
        m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", self.headers.get("Authorization", ""))
        if not m:
            return "AccessDenied"
        who, day, region, signed, signature = m.groups()
        if who != key:
            return "InvalidAccessKeyId"
        digest = hashlib.sha256(body).hexdigest()
        if self.headers.get("x-amz-content-sha256") != digest:
            return "XAmzContentSHA256Mismatch"
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed.split(";")):
            return "SignatureDoesNotMatch"
        if session and self.headers.get("x-amz-security-token") != session:
            return "InvalidToken"
        canonical = "\n".join([self.command, self.path, "",
                               *(f"{h}:{self.headers[h].strip()}" for h in signed.split(";")), "", signed, digest])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], f"{day}/{region}/s3/aws4_request",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        k = mac(mac(mac(mac(b"AWS4" + secret.encode(), day), region), "s3"), "aws4_request")
        return None if hmac.compare_digest(mac(k, to_sign).hex(), signature) else "SignatureDoesNotMatch"

    def reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        code = self.wrong(body)
        if not code and self.command == "PUT":
            kept[self.path] = body
            return self.reply(200)
        if not code and self.path not in kept:
            code = "AccessDenied"
        if code:
            return self.reply(403, f"<Error><Code>{code}</Code></Error>".encode())
        return self.reply(200, kept[self.path])

    do_HEAD = do_PUT = do_GET


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
