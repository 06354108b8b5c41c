"""Log-likelihoods and losses of continuations, whatever the task: requests in, answers and their errors out."""
