"""The notification domain."""

from functools import partial

import msgspec

from meeting.app.assembly.signaling import Signals
from meeting.app.assembly.stores import Stores
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import NOTIFICATION
from meeting.domains.notification.history import History
from meeting.domains.notification.pusher import Pusher
from meeting.domains.notification.reactions import begin, watch
from meeting.domains.user.events import TOPIC, UserLoggedIn, UserRegistered
from meeting.kernel.consumer import Consumer
from meeting.kernel.ids import Ids
from meeting.stores.relational.notification import SqlNotificationUnit


class Notices(msgspec.Struct, frozen=True):
    """The notification domain's faces."""

    module: Module
    history: History


def make(config: Config, kept: Stores, signals: Signals, ids: Ids) -> Notices:
    """Make the notification domain, with its reader of the user domain's events."""
    units = kept.rows.units(partial(SqlNotificationUnit, kept=config.notification.kept))
    pusher = Pusher(units=units, signaling=signals.service.broadcasts, ids=ids)
    users = Consumer(
        NOTIFICATION,
        TOPIC,
        feed=kept.sole,
        units=units,
        handlers={
            UserRegistered: begin,
            UserLoggedIn: watch,
        },
        after=pusher.committed,
    )
    return Notices(
        module=Module(NOTIFICATION, background=[users.run, pusher.run]),
        history=History(units, pusher.stir),
    )
