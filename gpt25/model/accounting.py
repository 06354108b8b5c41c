"""How many parameters, floating-point operations and bytes a configuration costs, by arithmetic alone."""

import dataclasses

from gpt25.model.configuration import GPTConfiguration


@dataclasses.dataclass(frozen=True)
class Accounting:
    """Counts for one configuration: Accounting(GPTConfiguration()).parameters -> 124439808."""

    configuration: GPTConfiguration

    @property
    def parameters_of_one_block(self) -> int:
        """Matrices 12 * channels², biases and layer norms 13 * channels."""
        channels = self.configuration.number_of_embedding_dimensions
        return 12 * channels * channels + 13 * channels

    @property
    def embedding_parameters(self) -> int:
        """Token and positional embeddings; the head is the token embedding and counts once."""
        shape = self.configuration
        return (shape.vocabulary_size + shape.block_size) * shape.number_of_embedding_dimensions

    @property
    def parameters(self) -> int:
        """All trainable parameters, a tied tensor counted once."""
        shape = self.configuration
        final_layer_norm = 2 * shape.number_of_embedding_dimensions
        return self.embedding_parameters + shape.number_of_layers * self.parameters_of_one_block + final_layer_norm

    @property
    def forward_operations_per_token(self) -> int:
        """Floating-point operations of one token's forward pass in a full block, matrix products only.

        A product of (m, k) with (k, n) counts 2 m k n. Attention counts the causal half: on average a position attends
        to half of the block, and both the scores and the mixing touch every channel of it.
        """
        shape = self.configuration
        channels = shape.number_of_embedding_dimensions
        matrices = 2 * 12 * channels * channels * shape.number_of_layers
        attention = 2 * 2 * channels * (shape.block_size // 2) * shape.number_of_layers
        head = 2 * channels * shape.vocabulary_size
        return matrices + attention + head

    @property
    def training_operations_per_token(self) -> int:
        """Forward and backward, 0.798 GFLOP for the 124M: the backward pass costs twice the forward pass.

        PaLM's count (Chowdhery et al. 2022, appendix B: 6 per parameter, 12 x layers x channels x positions), which
        nanoGPT's MFU goes by, counts attention's masked half too: 0.860 GFLOP, and an MFU 8 % larger.
        """
        return 3 * self.forward_operations_per_token

    @property
    def cache_elements_per_token(self) -> int:
        """Elements that the key-value cache holds for one position of one row."""
        return 2 * self.configuration.number_of_layers * self.configuration.number_of_embedding_dimensions

    def weight_bytes(self, bytes_per_element: int = 4) -> int:
        """Bytes of the weights: 497,759,232 for the 124M in float32."""
        return self.parameters * bytes_per_element

    def cache_bytes(self, *, batch_size: int, positions: int, bytes_per_element: int = 4) -> int:
        """Bytes of a key-value cache for `batch_size` rows of `positions` positions."""
        return self.cache_elements_per_token * batch_size * positions * bytes_per_element
