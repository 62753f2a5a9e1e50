"""Reads a feed on standard input as readers do, and prints what they get of it as JSON."""

import json
import sys

import feedparser

feed = feedparser.parse(sys.stdin.buffer.read())
json.dump(
    {
        "wrong": str(feed.get("bozo_exception", "")) if feed.bozo else "",
        "version": feed.version,
        "title": feed.feed.get("title"),
        "entries": [
            {
                "id": entry.id,
                "link": entry.link,
                "title": entry.title,
                "html": entry.content[0].value if "content" in entry else entry.summary,
                "published": list(entry.published_parsed),
                "tags": [tag.term for tag in entry.get("tags", [])],
                "author": entry.author,
            }
            for entry in feed.entries
        ],
    },
    sys.stdout,
)
