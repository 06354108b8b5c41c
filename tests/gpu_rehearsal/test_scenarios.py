"""Our GPU path where there is no GPU: nothing waits for the device, nothing stands on the wrong one.

Every check has a control beside it, a planted fault of its kind that must be found.
"""

from collections.abc import Callable
from typing import Any

import pytest

FindingsOf = Callable[..., dict[str, Any]]
UPDATES = ["muon", "adamw", "everything", "short stream", "averaging", "resume", "second GPU"]


@pytest.mark.parametrize("scene", UPDATES)
def test_an_update_never_waits_for_the_device(findings_of: FindingsOf, scene: str) -> None:
    found = findings_of(scene)
    assert found["operations"] > 1000, "the scene did not run"
    assert found["reads"] == {}
    assert found["blocking_copies"] == {}
    assert found["waits"] == []
    assert sum(found["copies"].values()) == 2 * (2 * 2 + 1)  # ids and labels of two micro-batches, figures back


def test_a_planted_read_is_found(findings_of: FindingsOf) -> None:
    (place,) = findings_of("planted read")["reads"]
    assert place.startswith("aten._local_scalar_dense.default at training/loop/update_cycle.py")


def test_a_planted_copy_is_found(findings_of: FindingsOf) -> None:
    assert sum(findings_of("planted copy")["blocking_copies"].values()) == 2


def test_a_planted_mixture_of_devices_is_found(findings_of: FindingsOf) -> None:
    assert findings_of("planted mixture") == {"scene": "planted mixture", "error": "FakeTensorDeviceMismatchError"}


def test_a_validation_is_read_once(findings_of: FindingsOf) -> None:
    found = findings_of("validation")
    assert sum(found["reads"].values()) == 1
    assert found["blocking_copies"] == {}
    assert found["copies"]


def test_a_resumed_state_is_on_the_gpu(findings_of: FindingsOf) -> None:
    assert findings_of("resume")["devices"] == ["cuda:0"]


def test_figures_of_the_second_gpu_are_read_behind_its_own_stream(findings_of: FindingsOf) -> None:
    found = findings_of("second GPU")
    assert found["devices"] == ["cuda:1"]
    assert found["events"] == [1, 1]


def test_skipping_an_update_costs_launches_for_shapes_and_not_for_tensors(findings_of: FindingsOf) -> None:
    by = findings_of("optimizer step")["by"]
    # Three shapes of two layers: what would be chosen tensor by tensor are 8 matrices and as many momenta.
    assert by["aten.where.self"] <= 14
    assert "aten.clone.default" not in by or by["aten.clone.default"] < 8


@pytest.mark.parametrize("kind", ["greedy", "top-k", "top-p", "penalties", "all that is settled"])
def test_drawing_a_token_waits_for_nothing(findings_of: FindingsOf, kind: str) -> None:
    found = findings_of("sampling")[kind]
    assert found["device"] == "cuda:0"
    assert found["reads"] == {}
    assert found["blocking_copies"] == {}
    assert found["waits"] == []


@pytest.mark.parametrize(("kind", "copies"), [("greedy", 0), ("top-k", 1), ("top-p", 1), ("all that is settled", 1)])
def test_settings_stay_on_the_gpu_and_only_the_uniforms_go_there(
    findings_of: FindingsOf, kind: str, copies: int
) -> None:
    assert sum(findings_of("sampling")[kind]["copies"].values()) == copies


def test_a_decoded_step_is_one_copy_to_the_gpu_and_waits_for_nothing(findings_of: FindingsOf) -> None:
    found = findings_of("decoding")
    assert found["operations"] > 30
    assert found["device"] == "cuda:0"
    assert found["reads"] == {}
    assert found["blocking_copies"] == {}
    assert found["waits"] == []
    assert sum(found["copies"].values()) == 1


def test_scores_are_fetched_once(findings_of: FindingsOf) -> None:
    found = findings_of("scoring")
    assert found["operations"] > 100
    assert found["reads"] == {}
    (place,) = found["blocking_copies"]
    assert place.startswith("cuda to cpu at evaluation/scoring/continuation_scorer.py")
    assert sum(found["blocking_copies"].values()) == 1
