"""How a gradient becomes a step.

AdamW, Muon and their options, the schedule, the weight average; `optimizers.Optimizers` is what the loop holds.
"""
