"""Asks a gRPC port what is there, as a client without our proto file: Google's own reflection.

`python reflect.py ADDRESS`: a line a call, with the messages that it takes and gives, then the
health of each service.
"""

import sys
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

with grpc.insecure_channel(sys.argv[1]) as channel:
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    health: Any = health_pb2_grpc.HealthStub(channel)
    for name in sorted(database.get_services()):
        for method in pool.FindServiceByName(name).methods:
            asked = ",".join(field.name for field in method.input_type.fields)
            print(f"/{name}/{method.name}", asked, method.output_type.full_name)
    for name in ("", "grpc.UserService"):
        found = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        print(
            f"{name or 'all'} is {health_pb2.HealthCheckResponse.ServingStatus.Name(found.status)}"
        )
    try:
        health.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=5)
    except grpc.RpcError as error:
        print("nobody is", error.code().name)
