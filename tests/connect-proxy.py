# SPDX-License-Identifier: GPL-3.0-or-later
# A proxy that knows CONNECT and prints its port; every host is this machine:
#   python3 connect-proxy.py [USER:PASSWORD]
import base64
import socket
import sys
import threading

want = "Basic " + base64.b64encode(sys.argv[1].encode()).decode() if len(sys.argv) > 1 else None


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(1)
    lines = head.decode().split("\r\n")
    method, peer, _ = lines[0].split(" ")
    print(lines[0], file=sys.stderr, flush=True)
    if want and "Proxy-Authorization: " + want not in lines:
        sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    elif method != "CONNECT":
        sock.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
    else:
        to = socket.create_connection(("127.0.0.1", int(peer.rsplit(":", 1)[1])))
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(to, sock), daemon=True).start()
        pump(sock, to)
        return
    sock.close()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
