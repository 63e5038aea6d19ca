"""The settings of an estimation, described for programs that build a form of them."""

from fastapi import APIRouter
from pydantic import BaseModel

from kantor.service.config_form import SettingView, setting_views

router = APIRouter(prefix="/v1/settings", tags=["operations"])


class SettingList(BaseModel):
    """Every setting that `config` of a job may have."""

    settings: list[SettingView]


@router.get("", summary="Settings of an estimation")
async def settings() -> SettingList:
    """Return each setting with its type, default, range and meaning."""
    return SettingList(settings=list(setting_views()))
