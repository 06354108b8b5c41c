"""What other people's programs printed when they loaded OpenAI's weights: how to tell that the real ones are here."""

from gpt25.references.published_score import PARAMETERS
from gpt25.references.published_weights import PublishedContinuation, PublishedWeights

_TRANSFORMERS = (
    "huggingface/transformers@031e0ac81793a27f2466ca34972846ee592c5406:tests/models/gpt2/test_modeling_gpt2.py"
)
_TRANSFORMERS_TF = (
    "huggingface/transformers@0a8c149f1e2f5dfc13e505d040efb488723e88a2:tests/models/gpt2/test_modeling_tf_gpt2.py"
)
_TRANSFORMERS_FLAX = (
    "huggingface/transformers@032b32abfb07ba36e8fc1a8e5251514523edce34:tests/models/gpt2/test_modeling_flax_gpt2.py"
)
_RUST_BERT = "guillaume-be/rust-bert@0c0fcc4bfdbda0ce8c81a4b127d522548b8ce992:tests/gpt2.rs"
_PICO_GPT = "jaymody/picoGPT@0550692d73ffc0727b7ad2735b0bca1513bc22dd:README.md"
_TINYGRAD = "tinygrad/tinygrad@a9069c177a9da9cca18593edf55acd2e6073cca6:examples/gpt2.py"

_GPT2_CONTINUATIONS = (
    PublishedContinuation(
        "The dog",
        " was found in a field near the intersection of West and West Streets.\n\nThe dog",
        _TRANSFORMERS,
        (373, 1043, 287, 257, 2214, 1474, 262, 16246, 286, 2688, 290, 2688, 27262, 13, 198, 198, 464, 3290),
    ),
    PublishedContinuation("Hello, my dog is a little", " bit of a mess. I'm not sure if he's going", _TRANSFORMERS),
    PublishedContinuation("Today, I", "'m going to be doing a lot of research on this. I", _TRANSFORMERS),
    PublishedContinuation(
        "The flying machine",
        " is a small, lightweight, and lightweight aircraft that can be used for any type of",
        _TRANSFORMERS_TF,
    ),
    PublishedContinuation(
        "Hello this is a long string", " of words. I'm going to start with the first one.\n", _TRANSFORMERS_FLAX
    ),
    PublishedContinuation("Hey", ", I'm not sure if I'm going to be able to do", _TRANSFORMERS_FLAX),
    PublishedContinuation(
        "Hello, my name is",
        " John. I'm a writer, and I'm writing",
        _RUST_BERT,
        (1757, 13, 314, 1101, 257, 6260, 11, 290, 314, 1101, 3597),
    ),
    PublishedContinuation(
        "Hello, my name is",
        " John. I'm a writer, and I'm writing a book. I've been writing for a long time. I was born in New York City,",
        _RUST_BERT,
    ),
    PublishedContinuation(
        "Alan Turing theorized that computers would one day become",
        " the most powerful machines on the planet.\n\nThe computer is a machine that can perform complex "
        "calculations, and it can perform these calculations in a way that is very similar to the human brain.",
        _PICO_GPT,
    ),
    PublishedContinuation(
        "hi",
        ", who was born in the city of Kolkata, was a member of the Kolkata",
        _TRANSFORMERS,
        conditions="float16, in a batch padded on the left",
    ),
    PublishedContinuation(
        "Hello this is a very long sentence",
        ". I'm sorry. I'm sorry. I'm sorry. I'm sorry. I'm sorry",
        _TRANSFORMERS,
        conditions="float16, in a batch padded on the left",
    ),
    PublishedContinuation(
        "It is a beautiful",
        " thing to see. It is a very beautiful thing.",
        _RUST_BERT,
        (1517, 284, 766, 13, 632, 318, 257, 845, 4950, 1517, 13),
        conditions="one <|endoftext|> on the left as padding, masked in a way of its own",
    ),
    PublishedContinuation(
        "The cat",
        " was found in a field near the town of Keflavik, about 30 miles (48 kilometers) south-east of Moscow.\n\n\n",
        _RUST_BERT,
        conditions="a repetition penalty of 1.1, computed in a way of its own",
    ),
)
_GPT2_MEDIUM_CONTINUATIONS = (
    PublishedContinuation("Hello.", " I'm a little late to the party, but", _TINYGRAD),
    PublishedContinuation(
        "What is the answer to life, the universe, and everything?",
        "\n\nThe answer is that we are all one",
        _TINYGRAD,
    ),
)
# fmt: off
_FIRST_POSITION_VALUES = (
    -0.0188, -0.1974, 0.0040, 0.0113, 0.0638, -0.1050, 0.0369, -0.1680, -0.0491, -0.0565,
    -0.0025, 0.0135, -0.0042, 0.0151, 0.0166, -0.1381, -0.0063, -0.0461, 0.0267, -0.2042,
)
# fmt: on

OPENAI_WEIGHTS = {
    "gpt2": PublishedWeights(
        PARAMETERS["gpt2"],
        _FIRST_POSITION_VALUES,
        "transformers, as the third cell of karpathy/build-nanogpt@136b65ec557c7dd55b2f1dd731f52a8b573878cb:play.ipynb "
        "prints them",
        _GPT2_CONTINUATIONS,
    ),
    "gpt2-medium": PublishedWeights(PARAMETERS["gpt2-medium"], continuations=_GPT2_MEDIUM_CONTINUATIONS),
    "gpt2-large": PublishedWeights(PARAMETERS["gpt2-large"]),
    "gpt2-xl": PublishedWeights(PARAMETERS["gpt2-xl"]),
}
"""By the model's name; of the two largest only the size is known to us from elsewhere."""
