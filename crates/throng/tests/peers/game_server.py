"""A small game in envelopes over WebSocket, on libraries that throng has no part in.

It prints its port, serves until it is told to end by SIGTERM, and then prints what it counted as one line of JSON.
"""

import asyncio
import json
import pathlib
import signal
from collections import Counter

from pysproto import Sproto, parse, parse_ast
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosedError

TEXT = pathlib.Path(__file__).with_name("arena.sproto").read_text()
# Kept: types do not keep what they were made from.
SCHEMA = Sproto(parse_ast(parse(TEXT)))
ENVELOPE = SCHEMA.querytype("Msg")

members = {}
counts = Counter()


def encode(name, body):
    bin = SCHEMA.querytype(name).encode(body)
    return ENVELOPE.encode({"Name": name, "Bin": bin})


async def push(socket, name, body):
    counts[name] += 1
    await socket.send(encode(name, body))


async def reply(socket, name, body):
    """In two fragments, as a message may come."""
    message = encode(name, body)
    middle = len(message) // 2
    counts[name] += 1
    await socket.send([message[:middle], message[middle:]])


async def join(socket, member, request):
    members[member["id"]] = socket
    await reply(socket, "JoinResponse", {"id": member["id"]})
    for other in list(members.values()):
        await push(other, "CrowdNotice", {"count": len(members)})


async def bag(socket, member, request):
    await reply(socket, "BagResponse", {**request, "total": sum(request["sizes"])})


async def shout(socket, member, request):
    member["shouts"] += 1
    notice = {"id": member["id"], "text": request["text"], "seq": member["shouts"]}
    others = [other for id, other in members.items() if id != member["id"]]
    for other in others:
        await push(other, "ShoutNotice", notice)
    await reply(socket, "ShoutResponse", {"heard": len(others)})


async def leave(socket, member, request):
    await reply(socket, "LeaveResponse", {"stayed": len(members)})
    members.pop(member["id"], None)
    await socket.close(4001, request["reason"])


HANDLERS = {"JoinRequest": join, "BagRequest": bag, "ShoutRequest": shout, "LeaveRequest": leave}


async def play(socket):
    counts["connections"] += 1
    member = {"id": counts["connections"], "shouts": 0}
    try:
        async for message in socket:
            envelope = ENVELOPE.decode(message)
            name = envelope["Name"]
            counts[name] += 1
            request = SCHEMA.querytype(name).decode(envelope["Bin"])
            await HANDLERS[name](socket, member, request)
    except ConnectionClosedError:
        counts[f"closed with {socket.close_code}"] += 1
    finally:
        members.pop(member["id"], None)


async def main():
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    # Pings often, and gives up on a client that does not answer within three seconds.
    async with serve(play, "127.0.0.1", 0, ping_interval=0.1, ping_timeout=3) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await ended.wait()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
