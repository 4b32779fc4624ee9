"""A layer that keeps a `Config`, and can be made again from what its `get_config` gives."""

from mrcnn.config import Config


class Configured:
    """What such layers have in common; `settings` names their other arguments, kept under the same names."""

    settings = ()

    def get_config(self):
        return (
            super().get_config()
            | {name: getattr(self, name) for name in self.settings}
            | {"config": self.config.changes()}
        )

    @classmethod
    def from_config(cls, config):
        return cls(**config | {"config": Config(**config["config"])})
