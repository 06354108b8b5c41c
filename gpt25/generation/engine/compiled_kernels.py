"""Whether a process has to compile kernels, or finds them on the disk."""


def compiled_kernels() -> int:
    """How many kernels were compiled by this process; 0 where the extra `fast` is missing."""
    try:
        from gpt25.kernels.drawing import draw_rows
        from gpt25.kernels.step import take_step
    except ModuleNotFoundError:
        return 0
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in (take_step, draw_rows))


def kernels_are_kept() -> bool:
    """Whether the disk has kernels of an earlier process, for one precision at least; needs the extra `fast`."""
    from gpt25.kernels.compiled import is_kept
    from gpt25.kernels.step import take_step

    return is_kept(take_step)
