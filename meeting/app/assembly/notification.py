"""The notification domain."""

from functools import partial

from meeting.app.assembly.part import Part
from meeting.app.assembly.stores import Stores
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import NOTIFICATION
from meeting.domains.notification.history import History
from meeting.domains.notification.pusher import Pusher
from meeting.domains.notification.reactions import begin, watch
from meeting.domains.signaling.api import SignalingApi
from meeting.domains.user.events import TOPIC, UserLoggedIn, UserRegistered
from meeting.kernel.clock import Clock
from meeting.kernel.consumer import Consumer
from meeting.kernel.ids import Ids
from meeting.stores.relational.notification import SqlNotificationUnit
from meeting.transports.http import notification as notification_routes
from meeting.transports.http.envelope import Envelopes


def make(config: Config, kept: Stores, signaling: SignalingApi, clock: Clock, ids: Ids) -> Part:
    """Make the notification domain, with its reader of the user domain's events."""
    units = kept.rows.units(partial(SqlNotificationUnit, kept=config.notification.kept))
    pusher = Pusher(units=units, signaling=signaling, ids=ids)
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
    routes = notification_routes.routes(History(units, pusher.stir), Envelopes(clock))
    return Part(module=Module(NOTIFICATION, background=[users.run, pusher.run]), routes=routes)
