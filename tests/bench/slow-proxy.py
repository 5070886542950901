# SPDX-License-Identifier: GPL-3.0-or-later
"""slow-proxy.py PORT BYTES: hands TCP on to 127.0.0.1:PORT, with BYTES a second of answers for all
connections together. Prints the port that it listens on."""
import asyncio
import sys
import time

PIECE = 16384


class Bucket:
    def __init__(self, rate):
        self.rate, self.free_at = rate, time.monotonic()

    async def take(self, n):
        now = time.monotonic()
        # What nobody has used for a while does not come back: 20 ms may be made up for.
        self.free_at = max(self.free_at, now - 0.02) + n / self.rate
        if self.free_at > now:
            await asyncio.sleep(self.free_at - now)


async def pump(reader, writer, bucket):
    try:
        while data := await reader.read(PIECE):
            if bucket:
                await bucket.take(len(data))
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (OSError, RuntimeError):
        writer.close()


async def main(port, rate):
    bucket = Bucket(rate)

    async def serve(reader, writer):
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, there[1], None), pump(there[0], writer, bucket))
        for w in (writer, there[1]):
            w.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
