"""The notification domain."""

from functools import partial

from meeting.app.assembly import mail
from meeting.app.assembly.part import Part
from meeting.app.assembly.stores import Stores
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import NOTIFICATION
from meeting.domains.notification.history import History
from meeting.domains.notification.mailer import Mailer
from meeting.domains.notification.pusher import Pusher
from meeting.domains.notification.reactions import begin, watch
from meeting.domains.notification.service import NotificationService
from meeting.domains.signaling.api import SignalingApi
from meeting.domains.user.api import UserApi
from meeting.domains.user.events import TOPIC, UserLoggedIn, UserRegistered
from meeting.kernel.clock import Clock
from meeting.kernel.consumer import Consumer
from meeting.kernel.ids import Ids
from meeting.stores.relational.notification import SqlNotificationUnit
from meeting.transports.grpc.notification import served
from meeting.transports.http import notification as notification_routes
from meeting.transports.http.envelope import Envelopes


def make(
    config: Config,
    name: str,
    kept: Stores,
    users: UserApi,
    signaling: SignalingApi,
    clock: Clock,
    ids: Ids,
) -> Part:
    """Make the notification domain of the process that goes by `name`."""
    units = kept.rows.units(partial(SqlNotificationUnit, kept=config.notification.kept))
    pusher = Pusher(units=units, signaling=signaling, ids=ids)
    mailer = Mailer(
        owner=name, units=units, users=users, post=mail.make(config, clock), clock=clock, ids=ids
    )

    def stir() -> None:
        pusher.stir()
        mailer.stir()

    history = History(units, stir)
    news = Consumer(
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
    module = Module(NOTIFICATION, background=[news.run, pusher.run, mailer.run])
    service = NotificationService(units=units, users=users, history=history)
    routes = notification_routes.routes(history, Envelopes(clock))
    return Part(module=module, routes=routes, rpcs=served(service))
