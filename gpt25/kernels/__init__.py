"""What torch does slowly on a processor: whole steps of a GPT-2 over the rows of many texts, compiled by Numba.

The staircase: LLVM code for vectors → intrinsics → arithmetic and linear layers → attention → one step, run by a team
of threads → ProcessorModel. Numba compiles a step once, in some seconds, and keeps the code on disk. It is the extra
`fast`: where it is missing, nothing here can be imported.
"""
