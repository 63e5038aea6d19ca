import pytest

from kantor.service.trails import Trail, valid_traceparent

SOUND = f"00-{'a1' * 16}-{'b2' * 8}-01"


def test_a_traceparent_is_kept_as_it_is() -> None:
    assert valid_traceparent(SOUND) == SOUND


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        SOUND.upper(),
        SOUND + "-more",
        SOUND.replace("a1", "00"),
        SOUND.replace("b2", "00"),
        f"{SOUND}\n",
    ],
)
def test_what_is_no_traceparent_is_left_out(text: str | None) -> None:
    assert valid_traceparent(text) == ""


def names(trail: Trail) -> list[str]:
    return [step.name for step in trail.steps]


def test_a_training_ends_with_its_last_report() -> None:
    trail = Trail()
    with trail.training():
        trail.note_report()
        trail.note_report()
    train, bound = trail.steps
    assert (train.name, bound.name) == ("train", "bound")
    assert train.began_ns <= train.ended_ns == bound.began_ns <= bound.ended_ns


def test_what_is_broken_off_is_all_training() -> None:
    trail = Trail()

    def train() -> None:
        with trail.training():
            trail.note_report()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        train()
    assert names(trail) == ["train"]


def test_a_step_that_fails_is_a_step() -> None:
    trail = Trail()
    with pytest.raises(OSError, match="disk"), trail.step("load"):
        raise OSError("disk")
    assert names(trail) == ["load"]
