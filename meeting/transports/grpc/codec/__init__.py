"""Protobuf bytes of our messages: one encoder and one decoder a class, made from its fields.

betterproto2's own codec looks at a field's type again for each value of each message, which made a
third of the cost of a call; these have looked once. The bytes are the same.
"""

from meeting.transports.grpc.codec.decode import decoder
from meeting.transports.grpc.codec.encode import Unfit, encoder
from meeting.transports.grpc.codec.scan import Malformed

__all__ = ["Malformed", "Unfit", "decoder", "encoder"]
