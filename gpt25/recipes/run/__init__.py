"""What the beginning, the resumption and the end of a run in its directory need.

`pretrain` and `quickstart` put it together.
"""
