import pytest

from gpt25.evaluation.sets.detokenisers import detokenise, invertible_fraction, retokenise

WIKITEXT = {
    " = Robert Boulter = ": "= Robert Boulter =",
    " He had a guest @-@ starring role in 2000 . ": "He had a guest-starring role in 2000.",
    ' starred as " Craig " , he said ; " no " . ': 'starred as "Craig", he said; "no".',
    " about 1 @,@ 500 men ( 12 @.@ 5 % ) left : all of them . ": "about 1,500 men (12.5%) left: all of them.",
    " the actor 's role , Mr. Smith did n't know . ": "the actor's role, Mr. Smith didn't know.",
    " from Saginaw , Mich . , he came ": "from Saginaw, Mich., he came",
    " W. Ray Johnston , D. M. S. Watson in the U.S. Army ": "W. Ray Johnston, D. M. S. Watson in the U.S. Army",
    ' ( " Museum " ) cost $ 5 ': '("Museum") cost $5',
    " ": "",
}
PTB = {
    " no it was n't black monday ": "no it wasn't black monday",
    " but <unk> 's stock fell N % to $ N a share ": "but <unk>'s stock fell N% to $N a share",
    " they 're <unk> in N ": "they're <unk> in N",
}
NEWSWIRE = {
    'The company said it would n\'t " ever " sell , however .': 'The company said it wouldn\'t "ever" sell, however.',
    "The index ( up 2.5 % ) is at $ 12 : a record !": "The index (up 2.5%) is at $12: a record!",
}
STORIES = {
    "`` Oh , do n't ! '' said Alice .": '"Oh, don\'t!" said Alice.',
    "the King 's crown -LRB- of gold -RRB- fell": "the King's crown (of gold) fell",
}
CASES = [
    (name, original, text)
    for name, table in (("wikitext", WIKITEXT), ("ptb", PTB), ("newswire", NEWSWIRE), ("stories", STORIES))
    for original, text in table.items()
]


@pytest.mark.parametrize(("name", "original", "text"), CASES)
def test_lines_become_what_people_write_and_can_be_changed_back(name: str, original: str, text: str) -> None:
    assert detokenise(name, original) == text  # type: ignore[arg-type]
    assert retokenise(name, text) == original  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("wikitext", " 81 @-@ mm. mortars "),
        ("wikitext", "no spaces around"),
        ("newswire", "a comma ,no space"),
        ("ptb", "the line begins at once"),
    ],
)
def test_a_line_that_could_not_be_changed_back_stays_as_it_was(name: str, line: str) -> None:
    assert detokenise(name, line) == line  # type: ignore[arg-type]


def test_lossy_changes_every_line() -> None:
    assert detokenise("stories", "`` Oh , my , said he", lossy=True) == '"Oh, my, said he'


def test_a_text_is_changed_line_by_line() -> None:
    lines = [*WIKITEXT, " 81 @-@ mm. mortars "]
    text = "\n".join(lines)
    assert detokenise("wikitext", text) == "\n".join([*WIKITEXT.values(), lines[-1]])
    assert invertible_fraction("wikitext", text) == pytest.approx(8 / 9)  # blank lines do not count
