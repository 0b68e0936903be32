"""The server, third way: one thread for all clients; whoever waits lets the others go on."""

import asyncio
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"
CLIENTS = int(sys.argv[3]) if len(sys.argv) > 3 else 10**9


async def main() -> None:
    served = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode(ENCODING):
            if line != "exit\n":
                writer.write(f"you said {line}".encode(ENCODING))
                await writer.drain()
        writer.close()
        await writer.wait_closed()
        served.release()

    async with await asyncio.start_server(serve, "127.0.0.1", PORT):
        print("listening on port", PORT, flush=True)
        for _ in range(CLIENTS):
            await served.acquire()


asyncio.run(main())
