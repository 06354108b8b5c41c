"""CORE, the mean of 22 sets by DCLM's protocol."""
