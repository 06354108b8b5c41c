"""One module per command, each imported only when its command runs.

A module has `Arguments` (a frozen dataclass whose documented fields are the flags, or a union of such dataclasses for
a command with subcommands), `run(arguments, output)`, and, where the flags' defaults depend on the command line itself,
`defaults(words) -> Arguments | None`. Its first docstring paragraph is the text of `gpt25 COMMAND --help`.
"""
