"""The API in words: the shapes of answers, and a page of them; what is sent is checked elsewhere."""
