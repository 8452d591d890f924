"""Announcer of another house: PUBLISHes each line of its input. Needs redis-py alone."""

import sys

import redis

url, channel = sys.argv[1:]
with redis.Redis.from_url(url) as server:
    for line in sys.stdin.buffer:
        sys.stdout.write(f"{server.publish(channel, line.rstrip())}\n")
