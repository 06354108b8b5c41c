"""Text to token ids and back: GPT-2's byte-level BPE, your own one trained from text, and Hugging Face's files."""

from gpt25.tokenizer.token_table import TokenTable
from gpt25.tokenizer.tokenizer import SpecialTokens, Tokenizer
from gpt25.tokenizer.vocabulary import END_OF_TEXT

__all__ = ["END_OF_TEXT", "SpecialTokens", "TokenTable", "Tokenizer"]
