from gpt25.cli.session.story import Step, Story, WrittenText


def test_a_text_of_any_length_costs_a_step_no_more_ids_than_a_block_holds() -> None:
    step = Step(None, "ab", (1, 2), 2, 0, (WrittenText("cde", (3, 4, 5)), WrittenText("x", (9,))))
    for length in range(3):
        ids = step.ids_behind([7], block_size=4)
        assert len(ids) == 4
        assert ids == (3, 4, 5, 7)
        assert step.tokens == 5 + 4 * length
        step = Step(step, "t", ids, step.tokens + 1, 0, (WrittenText("cde", (3, 4, 5)),))
    assert step.text == "abcdetcdetcdetcde"


def test_the_chosen_sample_is_what_is_gone_on_with() -> None:
    story = Story()
    assert story.newest is None
    assert story.undo() is None
    story.add(Step(None, "ab", (1, 2), 2, 0, (WrittenText("cde", (3, 4, 5)), WrittenText("x", (9,)))))
    story.choose(1)
    newest = story.newest
    assert newest is not None
    assert (newest.text, newest.tokens, newest.ids_behind((), block_size=9)) == ("abx", 3, (1, 2, 9))
    assert story.undo() == newest
