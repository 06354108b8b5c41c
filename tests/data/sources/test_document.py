from gpt25.data import Document, split_of


def test_the_content_alone_decides_the_split() -> None:
    for number in range(100):
        content = f"text {number}".encode()
        first = split_of(Document("a", content), validation_fraction=0.5)
        assert split_of(Document("b", content), validation_fraction=0.5) == first


def test_the_share_of_validation_is_the_fraction() -> None:
    splits = [split_of(Document("", str(number).encode()), validation_fraction=0.1) for number in range(5000)]
    assert 400 < splits.count("validation") < 600  # 500 expected, sigma 21


def test_no_fraction_is_all_training_and_a_whole_one_all_validation() -> None:
    documents = [Document("", str(number).encode()) for number in range(100)]
    assert {split_of(document, validation_fraction=0) for document in documents} == {"train"}
    assert {split_of(document, validation_fraction=1) for document in documents} == {"validation"}


def test_the_split_stays_what_it_was_in_every_release() -> None:
    # By hand: int(sha256(b"4")[:8]) / 2**64 = 0.293 is below 0.3, b"0" is at 0.373. Another rule would leak validation
    # text into the training of everyone who prepares again.
    splits = "".join(split_of(Document("", str(number).encode()), validation_fraction=0.3)[0] for number in range(20))
    assert splits == "ttttvtttvvvttvtttvtt"
