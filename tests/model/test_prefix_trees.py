import pytest
import torch

from gpt25.model import GPTModel, PrefixTrees

# Two trees: 5 6 7 with the branches 8 9 and 3 4 behind 7 and 2 behind 6, and 1 2 alone.
INDICES = [5, 6, 7, 8, 9, 3, 4, 2, 1, 2]
POSITIONS = [0, 1, 2, 3, 4, 3, 4, 2, 0, 1]
PATHS = [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 5], [0, 1, 2, 5, 6], [0, 1, 7], [8], [8, 9]]


def trees() -> PrefixTrees:
    pad_indices = torch.tensor([[*range(8)], [8, 9, 0, 0, 0, 0, 0, 0]])
    mask = torch.eye(8, dtype=torch.bool).repeat(2, 1, 1)  # padding attends to itself
    for token, path in enumerate(PATHS):
        tree, first = (0, 0) if token < 8 else (1, 8)
        mask[tree, token - first, [seen - first for seen in path]] = True
    return PrefixTrees(
        torch.tensor(INDICES), torch.tensor(POSITIONS), pad_indices, torch.tensor([*range(10)]), mask[:, None]
    )


@torch.no_grad()
@pytest.mark.parametrize("wanted", [range(10), [4, 6, 7, 9], [2]])
def test_every_token_attends_to_its_own_path_alone(make_model, wanted: list[int]) -> None:
    model: GPTModel = make_model().eval()
    found = trees().hidden_states(model, torch.tensor([*wanted]))
    for row, token in zip(found, wanted, strict=True):
        own = torch.tensor([[INDICES[number] for number in PATHS[token]]])
        torch.testing.assert_close(row, model.hidden_states(own)[0, -1], atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("lengths", [(6, 6), (6, 3)])
def test_texts_that_do_not_branch_need_no_mask(make_model, lengths: tuple[int, int]) -> None:
    model: GPTModel = make_model().eval()
    texts = [torch.arange(length) + 3 for length in lengths]
    starts = (0, lengths[0])
    pad_indices = torch.zeros(2, 6, dtype=torch.int64)
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        pad_indices[row, :length] = torch.arange(start, start + length)
    unpad_indices = torch.cat([6 * row + torch.arange(length) for row, length in enumerate(lengths)])
    positions = torch.cat([torch.arange(length) for length in lengths])
    packed = PrefixTrees(torch.cat(texts), positions, pad_indices, unpad_indices, None)
    expected = torch.cat([model.hidden_states(text[None])[0] for text in texts])
    found = packed.hidden_states(model, torch.arange(sum(lengths)))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
