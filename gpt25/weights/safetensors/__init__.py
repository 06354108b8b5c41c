"""safetensors files: headers checked before anything is allocated, tensors mapped, files written."""
