"""The harness's WikiText, by what its own functions (0.4.13) gave for these pages."""

import pytest

from gpt25.evaluation.sets.harness_wikitext import harness_page, harness_pages

RELEASE = (
    " \n = First Title = \n \n The cat , 1 @,@ 000 @-@ fold . \n \n = = Part = = \n \n It ran . \n"
    " \n = Second = \n \n More . \n"
)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (" = One = \n \n The cat , 1 @,@ 000 @.@ 5 @-@ fold . \n", " = One =\n\nThe cat, 1,000.5-fold.\n"),
        (' said " yes " ( maybe ) ; [ x ] { y } ', ' said "yes" (maybe); [x] {y} '),
        ("the dogs ' tails 's ' quoted ' it 's", "the dogs'tails's'quoted' it's"),
        (" = = = = Four = = = = \n 20 ° N turns", " ==== Four ====\n20°N turns"),
        ("grade N pupils", "grade 1 pupils"),
        ('one " two \n three " four', 'one "two\nthree" four'),
    ],
)
def test_pages_are_detokenised_as_the_harness_does(page: str, text: str) -> None:
    assert harness_page(page).text == text


def test_a_page_counts_empty_words_at_its_ends() -> None:
    found = harness_page(" é = b \n")
    assert (found.words, found.bytes, found.characters) == (5, 9, 8)
    assert harness_page("a b").words == 2


def test_pages_begin_at_headings_of_the_first_level() -> None:
    first, second = harness_pages(RELEASE)
    assert first.startswith(" = First Title = \n")
    assert " = = Part = = " in first
    assert (second, harness_page(second).words) == (" = Second = \n \n More . \n", 7)
    assert list(harness_pages("no heading")) == ["no heading"]
    assert list(harness_pages(" \n \n")) == []
