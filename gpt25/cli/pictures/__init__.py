"""The pictures of `gpt25 plot` that look inside a model, a module each: its arguments, and the way from them to a file.

torch is imported only when a picture is drawn, so that `gpt25 plot loss` stays quick.
"""
