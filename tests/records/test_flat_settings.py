from gpt25.records.flat_settings import flat_settings


def test_every_value_stands_under_its_full_name_in_words() -> None:
    settings = {"loop": {"seed": 7, "device": None}, "name": "mine", "batch": {"short_sequences": [[0.1, 256]]}}
    assert flat_settings(settings) == {
        "loop.seed": "7",
        "loop.device": "None",
        "name": "mine",
        "batch.short_sequences": "[[0.1, 256]]",
    }
