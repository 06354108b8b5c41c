"""What is asked and what is answered, in the shapes of OpenAI's API."""
