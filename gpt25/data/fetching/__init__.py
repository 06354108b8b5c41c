"""Public token shards from the Hub: ready made, or made of rows of token ids, checked, and given an index."""
