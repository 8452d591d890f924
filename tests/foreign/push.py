"""Producer of another house: RPUSHes each line of its input into a list. Needs redis-py alone."""

import sys

import redis

url, name = sys.argv[1:]
with redis.Redis.from_url(url) as server:
    for line in sys.stdin.buffer:
        server.rpush(name, line.rstrip(b"\n"))
