"""Whether this process had to compile kernels, or found them on the disk."""


def compiled_kernels() -> int:
    """How many kernels were compiled by this process; 0 where the extra `fast` is missing."""
    try:
        from gpt25.kernels.drawing import draw_rows
        from gpt25.kernels.step import take_step
    except ModuleNotFoundError:
        return 0
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in (take_step, draw_rows))
