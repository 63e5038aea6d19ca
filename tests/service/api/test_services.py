"""Keys that change while the service runs change who shares what."""

from pathlib import Path

from kantor.service.api.intake import Size
from kantor.service.api.services import Services, build_services
from kantor.service.settings import Settings

KEYS = {"ada": "0" * 64, "bob": "1" * 64}


def settings_of(folder: Path, *owners: str) -> Settings:
    keys = {owner: KEYS[owner] for owner in owners}
    nowhere = {"redis_url": "redis://127.0.0.1:1", "data_dir": folder}
    return Settings.model_validate(nowhere | {"api_keys": keys})


def shares(services: Services) -> list[int]:
    """Return how much one owner may have of what there is little of."""
    lanes = [services.intake._lanes[size].most_of_one for size in Size]
    return [*lanes, services.bodies._lanes.most_of_one]


def test_a_second_owner_is_given_his_share_at_once(tmp_path: Path) -> None:
    services = build_services(settings_of(tmp_path, "ada"))
    alone = shares(services)
    assert services.holdings.limit() is None
    services.adopt(settings_of(tmp_path, "ada", "bob"))
    assert all(
        2 * own <= all_of_it
        for own, all_of_it in zip(shares(services), alone, strict=True)
    )
    assert services.holdings.limit() is not None
    services.adopt(settings_of(tmp_path, "ada"))
    assert shares(services) == alone
