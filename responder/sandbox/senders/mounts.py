"""ConfigMaps as a kubelet mounts them: keys as files, all of them exchanged in one moment."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

_LINK: Final = "..data"


class ConfigMaps(Protocol):
    """Where ConfigMaps are read."""

    async def read_config_map(self, name: str) -> Mapping[str, str] | None:
        """Give its data, or None if there is no such ConfigMap."""
        ...


class Mount:
    """One ConfigMap in one folder. Keys are `..data/<key>` behind symbolic links, as in a pod."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._mounted: dict[str, str] | None = None

    def show(self, data: Mapping[str, str] | None) -> None:
        """Make the folder equal to the data; a reader sees the old keys or the new, no mixture."""
        wanted = dict(data or {})
        if wanted == self._mounted:
            return
        fresh = Path(tempfile.mkdtemp(prefix="..", dir=self.folder))
        for key, value in wanted.items():
            (fresh / key).write_text(value, encoding="utf-8")
        link = self.folder / _LINK
        stale = link.resolve() if link.is_symlink() else None
        new_link = self.folder / "..data_tmp"
        new_link.unlink(missing_ok=True)
        new_link.symlink_to(fresh.name)
        new_link.replace(link)
        for key in wanted:
            if not (self.folder / key).is_symlink():
                (self.folder / key).symlink_to(Path(_LINK) / key)
        for path in self.folder.iterdir():
            if not path.name.startswith("..") and path.name not in wanted:
                path.unlink()
        if stale is not None:
            shutil.rmtree(stale)
        self._mounted = wanted


class Mounts:
    """The ConfigMap of every campaign and the shared one, each in a folder."""

    def __init__(self, folder: Path, config_maps: Mapping[str, str], *, shared: str) -> None:
        """Name the ConfigMap of each campaign, and the one of pools, segments and providers."""
        self._campaigns = {
            campaign: (name, Mount(folder / "campaigns" / str(number)))
            for number, (campaign, name) in enumerate(sorted(config_maps.items()))
        }
        self._shared = (shared, Mount(folder / "shared"))

    @property
    def shared(self) -> Path:
        return self._shared[1].folder

    def of(self, campaign: str) -> Path:
        """Give the folder of a campaign's own ConfigMap."""
        return self._campaigns[campaign][1].folder

    async def sync(self, config_maps: ConfigMaps) -> None:
        """Read each ConfigMap and show it; a missing one is empty."""
        for name, mount in (*self._campaigns.values(), self._shared):
            mount.show(await config_maps.read_config_map(name))
