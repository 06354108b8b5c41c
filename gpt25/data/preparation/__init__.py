"""From documents to token shards, resumable and in parts.

`preparation.prepare` makes them, `verification.verify` checks them.
"""
