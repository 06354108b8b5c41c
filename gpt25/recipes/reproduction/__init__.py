"""The whole promise as one resumable job: fetch, measure the opponent, train, score with the same words, and judge.

`reproduction.reproduce` is the way in; everything that it does can be done by hand with the other commands.
"""
