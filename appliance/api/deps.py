"""What the management routes need of the box."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from appliance.activity.recorder import Recorder
from appliance.api.about import Premises
from appliance.api.access import Access
from appliance.api.feed import EventFeed
from appliance.api.metrics import Metrics
from appliance.jobs.trials import DeviceTrials
from appliance.jobs.work import ModelWork
from appliance.keys.keyring import Keyring
from appliance.logs import LogRing
from appliance.objects.store import ObjectStore
from appliance.run_loop import RunLoop
from appliance.settings.store import SettingsStore


@dataclass(frozen=True, slots=True)
class ApiDeps:
    loop: RunLoop
    settings: SettingsStore
    access: Access
    feed: EventFeed
    metrics: Metrics
    logs: LogRing
    models: ModelWork
    activity: Recorder
    trials: DeviceTrials
    keys: Keyring
    objects: ObjectStore
    premises: Premises
    stopping: asyncio.Event
    clock: Callable[[], float]
