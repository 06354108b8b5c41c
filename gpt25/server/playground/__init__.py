"""The page to play in: its files, and the small routes that it asks beside the API.

The page is written by hand, without a build, and fetches nothing from elsewhere; a policy in its headers holds it to
that.
"""
