"""What a run will take before it is paid for: memory, time, money, scaling over GPUs."""
