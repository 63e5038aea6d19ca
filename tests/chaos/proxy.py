"""A TCP proxy in front of Valkey's unix socket that can cut and delay."""

import asyncio
import contextlib
import threading
from pathlib import Path

CHUNK_BYTES = 65_536


class FaultyProxy:
    """Forwards bytes from a loopback port in a thread of its own.

    Attributes:
        port: Where it listens.
        delay_s: How long each chunk is held back.
        is_open: Whether new connections are let in.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._writers: set[asyncio.StreamWriter] = set()
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0
        self.delay_s = 0.0
        self.is_open = True

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def cut(self) -> None:
        """Close every connection where it stands, also in the middle of a reply."""
        self._loop.call_soon_threadsafe(self._close_all)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._close_all()
        for pending in asyncio.all_tasks(self._loop):
            pending.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            if self.is_open:
                back, forth = await asyncio.open_unix_connection(self._socket_path)
                self._writers.add(forth)
                await asyncio.gather(
                    self._copy(reader, forth), self._copy(back, writer)
                )
                self._writers.discard(forth)
        except OSError:  # the server is down, or the line was cut
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()
