"""Many runs of one recipe that differ in what is varied, and what they say together."""
