"""GGUF files, written only, for llama.cpp."""
