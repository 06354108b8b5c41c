"""How the threads of a step wait for one another, for microseconds."""

from gpt25.kernels.compiled import compiled
from gpt25.kernels.intrinsics import add_to_counter, let_others_run, read_counter

_LOOKS_BEFORE_YIELDING = 2000  # about 20 microseconds, longer than a stage of one row takes


@compiled
def wait_for_all(counter, meetings, workers):
    """Return when every worker has come here for the time after `meetings`, which is returned one higher."""
    if workers > 1:
        place = counter.ctypes.data
        add_to_counter(place)
        looks = 0
        while read_counter(place) < (meetings + 1) * workers:
            looks += 1
            if looks > _LOOKS_BEFORE_YIELDING:
                let_others_run()
    return meetings + 1
